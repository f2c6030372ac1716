"""InvokeEndpoint: a request's way into a fleet, to a host and back."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.services.sagemaker.endpoints import response_stream, serverless
from embedded_aws.services.sagemaker.endpoints.containers import TARGETS
from embedded_aws.services.sagemaker.endpoints.fleet import Admission, Traffic
from embedded_aws.services.sagemaker.endpoints.hosts import HostError
from embedded_aws.services.sagemaker.endpoints.invocation import (
    BODY_BYTES,
    BegunAnswer,
    Forwarder,
    Invocation,
    Measured,
    model_error,
)
from embedded_aws.services.sagemaker.endpoints.serverless import Environment, ServerlessVariant, throttled
from embedded_aws.services.sagemaker.endpoints.shadow import Shadowing
from embedded_aws.services.sagemaker.errors import UNAVAILABLE
from embedded_aws.services.sagemaker.runtime_api import TARGET_MODEL, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.endpoints.invocation import Response
    from embedded_aws.services.sagemaker.metrics.invocations import Invocations
    from embedded_aws.services.sagemaker.store import Record

_VARIANT = "x-amzn-sagemaker-target-variant"
_WAIT_SECONDS = 60
_POLL_SECONDS = 0.05


class DataPlane:
    """Answers invocations by the fleets that `traffic` names. Used on the event loop only, except for `close`.

    An endpoint in `coming_back` will have fleets again: a request waits for them.
    """

    def __init__(self, metrics: Invocations) -> None:
        self.traffic = Traffic()
        self.coming_back: set[Record] = set()
        self._metrics = metrics
        self._forwarder = Forwarder()
        self._shadowing = Shadowing(self._forwarder, metrics)

    async def invoke(self, record: Record, body: bytes, headers: dict[str, str]) -> Response:
        """Answer InvokeEndpoint: the model's answer, ModelError or ValidationError. Header names in lower case."""
        began = time.perf_counter()
        entered = await self._admit(record, body, headers)
        if not isinstance(entered, Admission):
            return entered
        try:
            return await self._forward(entered, record, body, headers, began)
        finally:
            entered.leave()

    async def stream(self, record: Record, body: bytes, headers: dict[str, str]) -> Response:
        """Answer InvokeEndpointWithResponseStream likewise, with a body that comes in parts."""
        began = time.perf_counter()
        entered = await self._admit(record, body, headers)
        if not isinstance(entered, Admission):
            return entered
        measured = Measured()

        def done() -> None:
            entered.leave()
            entered.fleet.count(self._metrics, record, entered.variant, measured, began)

        containers = entered.instance.host
        if not containers.plain or not TARGETS.isdisjoint(headers):
            entered.leave()
            return refusal(
                "The embedded AWS offers InvokeEndpointWithResponseStream for one container with one model only."
            )
        if accept := headers.get("x-amzn-sagemaker-accept"):
            headers = {**headers, "accept": accept}
        try:
            begun = await self._forwarder.begin(Invocation(record, body, headers), containers.first.port, measured)
        except BaseException:
            entered.leave()
            raise
        if not isinstance(begun, BegunAnswer):
            done()
            return begun
        begun.headers["x-Amzn-Invoked-Production-Variant"] = entered.variant.name
        return response_stream.answer(begun, measured, done)

    def close(self) -> None:
        """Close the connections to hosts; to be called from another thread than the loop's."""
        self._forwarder.close()

    async def _forward(
        self, entered: Admission, record: Record, body: bytes, headers: Mapping[str, str], began: float
    ) -> Response:
        fleet, variant, capture = entered.fleet, entered.variant, entered.fleet.capture
        captured = capture is not None and capture.takes()
        measured = Measured()
        invocation = Invocation(record, body, headers)
        if fleet.shadows:
            self._shadowing.copy(fleet, variant, invocation, captured=captured)
        status, answered, content = await entered.instance.host.invoke(self._forwarder, invocation, measured)
        if measured.refused:
            return status, answered, content
        if "x-amzn-ErrorType" not in answered:
            answered["x-Amzn-Invoked-Production-Variant"] = variant.name
            if capture and captured:
                capture.put(variant.name, invocation, answered, content)
        fleet.count(self._metrics, record, variant, measured, began)
        return status, answered, content

    async def _admit(self, record: Record, body: bytes, headers: Mapping[str, str]) -> Admission | Response:
        """Enter an instance, once there is one that is up; else return the answer."""
        if len(body) > BODY_BYTES:
            return _too_large(BODY_BYTES)
        entered = self._enter(record, headers)
        if entered is None and record in self.coming_back:
            entered = await self._entered(record, headers)
        if not isinstance(entered, Admission):
            return entered or refusal(f"Endpoint {record.name} of account {record.account} not found.")
        if isinstance(entered.instance, Environment):
            return await _warm(entered, entered.instance, record, body)
        return entered

    async def _entered(self, record: Record, headers: Mapping[str, str]) -> Admission | Response:
        """Enter an endpoint that is coming back, once it serves."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while record in self.coming_back and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
            if entered := self._enter(record, headers):
                return entered
        sentence = f"The hosts of endpoint {record.name} are still coming up after maintenance. Try your call again."
        return refusal(sentence, code=UNAVAILABLE, status=HTTPStatus.SERVICE_UNAVAILABLE)

    def _enter(self, record: Record, headers: Mapping[str, str]) -> Admission | Response | None:
        """Enter an instance; None if no fleet serves the endpoint."""
        target = headers.get(_VARIANT)
        # An instance may be retired between the look-up and the entry: then its successor is there already.
        while fleet := self.traffic.choose(record):
            variant = fleet.choose(target)
            if isinstance(variant, ServerlessVariant):
                if environment := variant.enter():
                    return Admission(fleet, variant, environment)
                if not variant.retired:
                    return throttled()
                continue
            instance = variant.choose(headers.get(TARGET_MODEL)) if variant else None
            if variant is None and target is None:
                return refusal(f"Endpoint {record.name} sends no variant requests: the weights of all of them are 0.")
            if variant is None or instance is None:
                return refusal(f"Variant {target} not found for endpoint {record.name}.")
            if instance.enter():
                return Admission(fleet, variant, instance)
        return None


async def _warm(entered: Admission, environment: Environment, record: Record, body: bytes) -> Admission | Response:
    """Wait for a serverless container to come up: a cold start is in the caller's latency."""
    answer: Response = _too_large(serverless.BODY_BYTES)
    try:
        if len(body) <= serverless.BODY_BYTES:
            await environment.ready()
            return entered
    except HostError as error:
        answer = model_error(record, 0, str(error))
    except BaseException:
        entered.leave()
        raise
    entered.leave()
    return answer


def _too_large(most: int) -> Response:
    # boto3 shows the status in the place of a code: aws/sagemaker-python-sdk#171.
    sentence = f"HTTP content length exceeded {most} bytes."
    return refusal(sentence, code="", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
