"""The lab's endpoint, asked as its hosting wants it: at once, through a cold start, or through S3."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.aws import stacks
from infra.handlers.served_model import asynchronous
from infra.handlers.served_model.asynchronous import FailedRequestError
from teardown import names, refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cli.aws.session import Session
    from cli.aws.stacks import Stack
    from infra.settings import Hosting, Settings

__all__ = ["Endpoint", "FailedRequestError", "NoAnswerError", "hosting_of", "name_of", "stage_of", "state"]

_ANSWER_SECONDS = 900  # what a request may take, unless it says otherwise: InvokeEndpointAsync, botocore
_COLD_START_SECONDS = 130  # for an answer: a model may take a minute, and a container's start comes before it
_SOONEST, _LATEST, _GROWTH = 0.2, 5.0, 1.5  # seconds between two looks


class NoAnswerError(Exception):
    """There is no answer after all the time that it may take; the message says to what."""


def name_of(found: Sequence[Stack], lab: Settings) -> str:
    """Return the endpoint's name, as its stack says it, or as the settings have it where nothing is deployed."""
    outputs = {key: value for stack in found for key, value in stack.outputs.items()}
    return outputs.get("EndpointName", names.endpoint(lab.name, lab.hosting))


def state(sagemaker: Any, name: str) -> dict[str, Any] | None:
    """Return an endpoint's name, status, hosting, instances, the stage of its update (""); None if there is none."""
    described: dict[str, Any] = {}
    with refusals.suppress(Refusal.GONE):
        described = sagemaker.describe_endpoint(EndpointName=name)
    if not described:
        return None
    return {
        "name": name,
        "status": described["EndpointStatus"],
        "hosting": hosting_of(described),
        "instances": sum(each.get("CurrentInstanceCount", 0) for each in described.get("ProductionVariants", ())),
        "stage": stage_of(described),
    }


def hosting_of(described: Mapping[str, Any]) -> Hosting:
    """Return how an endpoint is hosted, as DescribeEndpoint answers it."""
    if asynchronous.is_asynchronous(described):
        return "async"
    variants = [*described.get("ProductionVariants", ()), *_pending_variants(described)]
    served = any("CurrentServerlessConfig" in each or "DesiredServerlessConfig" in each for each in variants)
    return "serverless" if served else "real-time"


def stage_of(described: Mapping[str, Any]) -> str:
    """Return what an update is at, in SageMaker's own words; "" while none goes on."""
    stages = [stage for each in _pending_variants(described) for stage in each.get("VariantStatus", ())]
    return "; ".join(
        dict.fromkeys(
            f"{each['Status']} ({each['StatusMessage']})" if each.get("StatusMessage") else each["Status"]
            for each in stages
        )
    )


def _pending_variants(described: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = described.get("PendingDeploymentSummary", {}).get("ProductionVariants", ())
    return found


class Endpoint:
    """The lab's endpoint, and how it is asked."""

    def __init__(self, session: Session, lab: Settings) -> None:
        self._session = session
        self.name = name_of(stacks.of_lab(session, lab.name), lab)
        self.called = f"the endpoint {self.name}"

    def ask(self, body: bytes, content_type: str, *, notice: Callable[[str], None]) -> bytes:
        """Return the answer's body; `notice` hears what is waited for.

        Where there is no room for the request just now, boto3 asks again, for a minute. Raises ClientError,
        NoAnswerError, or FailedRequestError for a request that came to nothing.
        """
        if asynchronous.is_asynchronous(self.described):
            return self._ask_through_s3(body, content_type, notice)
        if hosting_of(self.described) == "serverless":
            notice("waiting for the serverless endpoint, whose first answer takes a cold start")
        answer = self._runtime.invoke_endpoint(
            EndpointName=self.name, ContentType=content_type, Accept="application/json", Body=body
        )
        found: bytes = answer["Body"].read()
        return found

    def _ask_through_s3(self, body: bytes, content_type: str, notice: Callable[[str], None]) -> bytes:
        s3 = self._session.client("s3")
        notice("queueing the request")
        request = asynchronous.send(s3, self._runtime, self.described, body=body, content_type=content_type)
        began, pause = time.monotonic(), _SOONEST
        while (found := asynchronous.answer_of(s3, request)) is None:
            waited = time.monotonic() - began
            if waited > _ANSWER_SECONDS:
                raise NoAnswerError(f"there is nothing at {request.output} after {_ANSWER_SECONDS} s")
            notice(f"queued, waiting for {request.output} ({waited:.0f} s)")
            time.sleep(pause)
            pause = min(pause * _GROWTH, _LATEST)
        return found

    @cached_property
    def _runtime(self) -> Any:
        return self._session.client("sagemaker-runtime", timeout=_COLD_START_SECONDS)

    @cached_property
    def described(self) -> dict[str, Any]:
        """Return what DescribeEndpoint answers, asked once."""
        described: dict[str, Any] = self._session.client("sagemaker").describe_endpoint(EndpointName=self.name)
        return described
