"""The way of an invocation to a host and back, with the runtime's own errors when there is no good answer.

Errors as in botocore's model of sagemaker-runtime; limits from InvokeEndpoint's documentation. The texts of ModelError
are AWS's, as quoted in issues of aws/sagemaker-python-sdk and aws/amazon-sagemaker-examples.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp

from emulator.sagemaker.hosting.hosts import GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.sagemaker.store import Record

    Response = tuple[int, dict[str, str], bytes]

BODY_BYTES = 6_291_456
_SECONDS = 60
_IDLE_SECONDS = 60  # shorter than a host keeps an idle connection
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


class Forwarder:
    """A pool of connections to all hosts. Used on the event loop only, except for `close`."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, endpoint: Record, port: int, body: bytes, headers: Mapping[str, str]) -> Response:
        """The host's answer to an invocation, or ModelError."""
        if self._session is None:
            self._loop = asyncio.get_running_loop()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS),
                timeout=aiohttp.ClientTimeout(total=_SECONDS),
                auto_decompress=False,
            )
        forwarded = {name: headers[name] for name in _FORWARDED if name in headers}
        try:
            async with self._session.post(
                f"http://127.0.0.1:{port}/invocations", data=body, headers=forwarded, skip_auto_headers=["Content-Type"]
            ) as answer:
                content = await answer.read()
        except TimeoutError:
            return _model_error(endpoint, 0, _TIMED_OUT)
        except aiohttp.ClientError:
            return _model_error(endpoint, 0, _UNREACHABLE.format(endpoint=endpoint.name))
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return _model_error(endpoint, answer.status, content.decode(errors="replace"))
        return answer.status, {name: answer.headers[name] for name in _ANSWERED if name in answer.headers}, content

    def close(self) -> None:
        """Close the connections; to be called from another thread than the loop's."""
        if self._session and self._loop and self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._session.close(), self._loop).result(timeout=5)


def refusal(message: str) -> Response:
    """ValidationError: a request that is not passed on to a host."""
    return _error(HTTPStatus.BAD_REQUEST, "ValidationError", {"Message": message})


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
    return _error(HTTPStatus.FAILED_DEPENDENCY, "ModelError", document)


def _error(status: HTTPStatus, code: str, document: Mapping[str, str | int]) -> Response:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return int(status), headers, json.dumps(document).encode()
