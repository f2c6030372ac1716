"""The way of an invocation to a host and back, with the runtime's own errors when there is no good answer.

Errors as in botocore's model of sagemaker-runtime; limits from InvokeEndpoint's documentation. The texts of ModelError
are AWS's, as quoted in issues of aws/sagemaker-python-sdk and aws/amazon-sagemaker-examples.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.services.sagemaker.endpoints.connections import Connections
from embedded_aws.services.sagemaker.endpoints.hosts import GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.store import Record

    Response = tuple[int, dict[str, str], bytes]

BODY_BYTES = 6_291_456
_SECONDS = 60
_CUSTOM = "x-amzn-sagemaker-custom-attributes"
_FORWARDED = ("content-type", "accept", _CUSTOM, "x-amzn-sagemaker-inference-id")
_ANSWERED = ("Content-Type", _CUSTOM)
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
_UNREACHABLE = (
    "Amazon SageMaker could not get a response from the {endpoint} endpoint. This can occur when CPU or memory "
    "utilization is high. To check your utilization, see Amazon CloudWatch. To fix this problem, use an instance type "
    "with more CPU capacity or memory."
)


@dataclass(slots=True)
class Measured:
    """The model's own status, 0 without an answer, and the seconds that it took."""

    status: int = 0
    seconds: float = 0.0


class Forwarder:
    """The way to all hosts. Used on the event loop only, except for `close`."""

    def __init__(self) -> None:
        self._connections = Connections()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(
        self, endpoint: Record, port: int, body: bytes, headers: Mapping[str, str], measured: Measured
    ) -> Response:
        """The host's answer to an invocation, or ModelError; `measured` is filled in."""
        self._loop = asyncio.get_running_loop()
        forwarded = {name: headers[name] for name in _FORWARDED if name in headers}
        began = time.perf_counter()
        try:
            async with asyncio.timeout(_SECONDS):
                status, answered, content = await self._connections.post(port, "/invocations", forwarded, body)
            measured.status = status
        except TimeoutError:
            return _model_error(endpoint, 0, _TIMED_OUT)
        except OSError:
            return _model_error(endpoint, 0, _UNREACHABLE.format(endpoint=endpoint.name))
        finally:
            measured.seconds = time.perf_counter() - began
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return _model_error(endpoint, status, content.decode(errors="replace"))
        return status, {name: answered[name.lower()] for name in _ANSWERED if name.lower() in answered}, content

    def close(self) -> None:
        """Close the connections; to be called from another thread than the loop's."""
        if self._loop and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._connections.close)


def _model_error(endpoint: Record, status: int, original: str) -> Response:
    group = f"{GROUP}/{endpoint.name}"
    region, account = endpoint.region, endpoint.account
    side = "client" if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR else "server"
    document: dict[str, str | int] = {
        "Message": f'Received {side} error ({status}) from primary with message "{original}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} "
        f"in account {account} for more information.",
        "OriginalStatusCode": status,
        "OriginalMessage": original,
        "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{group}",
    }
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "ModelError"}
    return HTTPStatus.FAILED_DEPENDENCY, headers, json.dumps(document).encode()
