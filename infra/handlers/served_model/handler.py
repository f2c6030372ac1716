"""The custom resource Custom::ServedModel: looks, after each update of an endpoint, at what serves and what answers.

Properties: EndpointName; EndpointConfigName, the one that was asked for; Artifact, where its model is; Alarms, the
names of those that roll an update back; Answers, of an algorithm of AWS's, the members of its answer for an image.
Attribute: Model, the hash that the endpoint's answers bear. An algorithm's bear none, and Model is its artifact:
of it the look tells that the config which serves is the one that was asked for, which the stack made of this artifact,
and that a picture is answered in the algorithm's form.

SageMaker may roll an update back and leave the endpoint InService, with the config from before and no FailureReason:
only the config's name tells. Sources: hashicorp/terraform-provider-aws#48997 and #46663. CloudFormation deletes the
config from before when everything of an update has succeeded, this resource too; if it has failed, it goes back.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.handlers.custom_resource import ANSWER_SECONDS, Event, answer
from infra.handlers.served_model import asynchronous
from infra.handlers.served_model.artifact import NoReceiptError, model_of
from teardown import clients, names, refusals

if TYPE_CHECKING:
    from collections.abc import Callable

# Lambda's fifteen minutes, less the answer: for an update that still goes on, and an endpoint that does not answer yet.
_SECONDS = 900 - ANSWER_SECONDS - 60
_INTERVAL = 1.0
_PASSING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
# What an endpoint that has just come into service may answer: a cold start, or too many requests for now.
_NOT_READY = frozenset({"ModelNotReadyException", "ServiceUnavailable"})
_CONTENT_TYPE, _JSON = "application/x-npy", "application/json"
_SHOWN = 200  # characters of an answer that is not in the form that was expected
_NO_REASON = "It gives no reason."


class ServedModelError(Exception):
    """It is not what was asked for; the message goes to the stack's events, and from there to the user's screen."""


def handler(event: Event, _context: object) -> None:
    """Entry point of the Lambda function that CloudFormation calls."""
    look = Look(
        sagemaker=clients.client("sagemaker"),
        runtime=clients.invoking_client(),
        s3=clients.client("s3"),
        cloudwatch=clients.client("cloudwatch"),
    )
    answer(event, partial(work, look=look))


def work(event: Event, *, look: Look) -> dict[str, Any]:
    """Do what CloudFormation asks; a Delete leaves nothing to do. Raises ServedModelError."""
    properties = event["ResourceProperties"]
    if event["RequestType"] == "Delete":
        return {"PhysicalResourceId": event["PhysicalResourceId"]}
    model = look(properties["EndpointName"], properties["EndpointConfigName"], properties)
    return {"PhysicalResourceId": properties["EndpointName"], "Data": {"Model": model}}


@dataclass(kw_only=True)
class Look:
    """What a look needs: clients, and a clock."""

    sagemaker: Any
    runtime: Any
    s3: Any
    cloudwatch: Any
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _deadline: float = field(init=False, default=0.0)

    def __call__(self, endpoint: str, config: str, properties: dict[str, Any]) -> str:
        """Return the model that answers. Raises ServedModelError unless it is the one asked for."""
        self._deadline = self.now() + _SECONDS
        described = self._settled(endpoint)
        status, reason = described["EndpointStatus"], described.get("FailureReason", "")
        if described["EndpointConfigName"] != config:
            raise ServedModelError(self._rolled_back(described, config, properties.get("Alarms", [])))
        if status != "InService":
            raise ServedModelError(f"The endpoint {endpoint} is {status}: {reason or _NO_REASON} {_log(endpoint)}")
        if answers := properties.get("Answers"):
            self._check_form(described, answers)
            return str(properties["Artifact"])
        wanted = self._wanted(properties["Artifact"])
        answered = str(self._answered(described).get("model", ""))
        if answered != wanted:
            raise ServedModelError(
                f"The endpoint {endpoint} serves the config {config}, as it should, and another model answers: "
                f"{answered or 'one that does not say which'}, and not {wanted}, whose artifact is "
                f"{properties['Artifact']}. {_log(endpoint)}"
            )
        return wanted

    def _settled(self, endpoint: str) -> dict[str, Any]:
        """Return the endpoint when no update of it goes on any more."""
        while True:
            try:
                described: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=endpoint)
            except (BotoCoreError, ClientError) as error:
                if not refusals.is_passing(error):
                    raise
                self._wait(f"SageMaker does not tell how the endpoint {endpoint} is ({error})")
            else:
                status = described["EndpointStatus"]
                if status not in _PASSING:
                    return described
                self._wait(f"The endpoint {endpoint} is still {status}")

    def _rolled_back(self, described: dict[str, Any], config: str, alarms: list[str]) -> str:
        endpoint, reason = described["EndpointName"], described.get("FailureReason", "")
        gone_off = "".join(f" {each}" for each in self._gone_off(alarms))
        return (
            f"The endpoint {endpoint} serves the config {described['EndpointConfigName']}, and not {config}, which was "
            f"asked for: SageMaker rolled the update back. {reason or _NO_REASON}{gone_off} What served before serves "
            f"on. {_log(endpoint)}"
        )

    def _gone_off(self, alarms: list[str]) -> list[str]:
        """Return a sentence for each alarm that has gone off since it watches this update.

        It may be quiet again by now: the new instances get no requests any more.
        """
        if not alarms:
            return []
        said = []
        try:
            for alarm in self.cloudwatch.describe_alarms(AlarmNames=alarms)["MetricAlarms"]:
                items = self.cloudwatch.describe_alarm_history(
                    AlarmName=alarm["AlarmName"],
                    HistoryItemType="StateUpdate",
                    StartDate=alarm["AlarmConfigurationUpdatedTimestamp"],
                )["AlarmHistoryItems"]
                if newest := next((each for each in items if "to ALARM" in each["HistorySummary"]), None):
                    when = f"{newest['Timestamp'].astimezone(UTC):%H:%M:%S} UTC"
                    said.append(f"The alarm {alarm['AlarmName']} went off at {when}{_because(newest)}.")
        except (BotoCoreError, ClientError) as error:
            said.append(f"Which alarm went off could not be read ({error}).")
        return said

    def _wanted(self, artifact: str) -> str:
        try:
            return model_of(self.s3, artifact)
        except NoReceiptError:
            raise ServedModelError(
                f"There is no receipt.json in {artifact}, by which its answers could be known: let train.py write it, "
                "as it does in the repository."
            ) from None

    def _check_form(self, described: dict[str, Any], members: list[str]) -> None:
        """Raise ServedModelError unless a black picture's answer has these members."""
        answer = self._answered(described)
        predictions = answer.get("predictions")
        first = predictions[0] if isinstance(predictions, list) and predictions else {}
        if missing := [name for name in members if name not in first]:
            endpoint = described["EndpointName"]
            raise ServedModelError(
                f"The endpoint {endpoint} serves the config {described['EndpointConfigName']}, as it should, and its "
                f"answer has no {' and no '.join(missing)}: {json.dumps(answer)[:_SHOWN]}. {_log(endpoint)}"
            )

    def _answered(self, described: dict[str, Any]) -> dict[str, Any]:
        """Return the answer for a black picture."""
        endpoint = described["EndpointName"]
        while True:
            try:
                answer: dict[str, Any] = json.loads(self._ask(described))
            except asynchronous.FailedRequestError as error:
                raise ServedModelError(f"The endpoint {endpoint} does not answer: {error} {_log(endpoint)}") from None
            except (BotoCoreError, ClientError) as error:
                later = isinstance(error, ClientError) and error.response["Error"]["Code"] in _NOT_READY
                if not later and not refusals.is_passing(error):
                    raise ServedModelError(
                        f"The endpoint {endpoint} does not answer: {error} {_log(endpoint)}"
                    ) from error
                self._wait(f"The endpoint {endpoint} does not answer ({error})")
            else:
                return answer

    def _ask(self, described: dict[str, Any]) -> bytes:
        picture = black_picture()
        if not asynchronous.is_asynchronous(described):
            asked = self.runtime.invoke_endpoint(
                EndpointName=described["EndpointName"], ContentType=_CONTENT_TYPE, Accept=_JSON, Body=picture
            )
            body: bytes = asked["Body"].read()
            return body
        request = asynchronous.send(self.s3, self.runtime, described, body=picture, content_type=_CONTENT_TYPE)
        while (found := asynchronous.answer_of(self.s3, request)) is None:
            self._wait(f"There is no answer to the request {request.identifier} at {request.output}")
        return found

    def _wait(self, why: str) -> None:
        if self.now() > self._deadline:
            raise ServedModelError(f"{why}, {_SECONDS} s after its update: deploy again when it has settled.")
        self.sleep(_INTERVAL)


def _log(endpoint: str) -> str:
    return f"Its log: aws logs tail {names.endpoint_log_group(endpoint)}. Mend what it names, then deploy again."


def _because(item: dict[str, Any]) -> str:
    try:
        reason = json.loads(item["HistoryData"])["newState"]["stateReason"]
    except (KeyError, TypeError, ValueError):
        return ""
    return f" ({reason.rstrip('.')})"


def black_picture() -> bytes:
    """Return an .npy file of 48x48 zeros, uint8: what inference.py takes, written without NumPy."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (48, 48), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(48 * 48)
