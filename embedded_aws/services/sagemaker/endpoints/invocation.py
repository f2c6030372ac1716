"""Send an invocation to a host and bring its answer back, with the runtime's own errors when there is no good one.

Errors as in botocore's model of sagemaker-runtime; limits from InvokeEndpoint's documentation. The texts of ModelError
are AWS's, as quoted in issues of aws/sagemaker-python-sdk and aws/amazon-sagemaker-examples.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.services.sagemaker.endpoints.hosts import GROUP

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import aiohttp

    from embedded_aws.services.sagemaker.store import Record

    Response = tuple[int, dict[str, str], bytes]

BODY_BYTES = 6_291_456
SECONDS = 60.0
"""How long a model may take to answer."""
_LOADING_SECONDS = 360.0  # that a model of many may take to be loaded
_CUSTOM = "x-amzn-sagemaker-custom-attributes"
_FORWARDED = ("content-type", "accept", _CUSTOM, "x-amzn-sagemaker-inference-id", "x-amzn-sagemaker-target-model")
_ANSWERED = ("Content-Type", _CUSTOM)
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container {container}. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
_UNREACHABLE = (
    "Amazon SageMaker could not get a response from the {endpoint} endpoint. This can occur when CPU or memory "
    "utilization is high. To check your utilization, see Amazon CloudWatch. To fix this problem, use an instance type "
    "with more CPU capacity or memory."
)


@dataclass(slots=True)
class Invocation:
    """A request to an endpoint; header names in lower case."""

    endpoint: Record
    body: bytes
    headers: Mapping[str, str]


@dataclass(slots=True)
class Measured:
    """How a model answered: its own status, 0 without an answer, and the seconds that it took.

    Of several containers, `containers` holds the same of each that was asked; `direct` says that the caller chose it.
    What is `refused` did not come to any.
    """

    status: int = 0
    seconds: float = 0.0
    refused: bool = False
    direct: bool = False
    containers: dict[str, tuple[int, float]] = field(default_factory=dict)


class BegunAnswer:
    """A host's answer that has begun."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.headers = {name: answer.headers[name] for name in _ANSWERED if name in answer.headers}

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the body in the parts in which it comes. Raises TimeoutError, or OSError if the connection breaks."""
        import aiohttp  # noqa: PLC0415 - 10 MB that a gateway without endpoints has no use for

        try:
            async for part in self._answer.content.iter_any():
                yield part
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise ConnectionError(str(error)) from error

    def close(self) -> None:
        """Let the connection go."""
        self._answer.close()


class Forwarder:
    """Sends invocations to hosts on connections that stay open. Used on the event loop only, except for `close`.

    By aiohttp: it takes 0.2 ms of an invocation, a third of what httpx takes.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._limit: aiohttp.ClientTimeout | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(
        self,
        invocation: Invocation,
        port: int,
        measured: Measured,
        *,
        container: str = "primary",
        path: str = "/invocations",
        seconds: float = SECONDS,
    ) -> Response:
        """Return the host's answer to an invocation, or ModelError; fill `measured` in."""
        import aiohttp  # noqa: PLC0415 - 10 MB that a gateway without endpoints has no use for

        session = self._session or self._open()
        endpoint, headers = invocation.endpoint, invocation.headers
        limit = self._limit if seconds == SECONDS else aiohttp.ClientTimeout(total=seconds)
        url = f"http://127.0.0.1:{port}{path}"
        forwarded = {name: headers[name] for name in _FORWARDED if name in headers}
        began = time.perf_counter()
        try:
            async with session.post(url, data=invocation.body, headers=forwarded, timeout=limit) as answer:
                content = await answer.read()
        except TimeoutError:
            return model_error(endpoint, 0, _TIMED_OUT.format(container=container), container=container)
        except (aiohttp.ClientError, OSError):
            return model_error(endpoint, 0, _UNREACHABLE.format(endpoint=endpoint.name), container=container)
        finally:
            measured.seconds = time.perf_counter() - began
        measured.status = status = answer.status
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return model_error(endpoint, status, content.decode(errors="replace"), container=container)
        return status, {name: answer.headers[name] for name in _ANSWERED if name in answer.headers}, content

    async def begin(self, invocation: Invocation, port: int, measured: Measured) -> BegunAnswer | Response:
        """Return a host's answer of which the body is still to come, or ModelError; fill `measured` in."""
        import aiohttp  # noqa: PLC0415 - as above

        session = self._session or self._open()
        endpoint, headers = invocation.endpoint, invocation.headers
        url = f"http://127.0.0.1:{port}/invocations"
        forwarded = {name: headers[name] for name in _FORWARDED if name in headers}
        began = time.perf_counter()
        try:
            answer = await session.post(url, data=invocation.body, headers=forwarded, timeout=self._limit)
            content = b"" if answer.ok else await answer.read()
        except TimeoutError:
            return model_error(endpoint, 0, _TIMED_OUT.format(container="primary"))
        except (aiohttp.ClientError, OSError):
            return model_error(endpoint, 0, _UNREACHABLE.format(endpoint=endpoint.name))
        finally:
            measured.seconds = time.perf_counter() - began
        measured.status = answer.status
        if answer.ok:
            return BegunAnswer(answer)
        return model_error(endpoint, answer.status, content.decode(errors="replace"))

    async def manage(self, endpoint: Record, port: int, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
        """Return the status and the text of a multi-model container's answer about its models; 0 if there is none."""
        import aiohttp  # noqa: PLC0415 - as above

        session = self._session or self._open()
        limit, headers = aiohttp.ClientTimeout(total=_LOADING_SECONDS), {"content-type": "application/json"}
        url = f"http://127.0.0.1:{port}{path}"
        try:
            async with session.request(method, url, data=body, headers=headers, timeout=limit) as answer:
                return answer.status, await answer.text(errors="replace")
        except (TimeoutError, aiohttp.ClientError, OSError):
            return 0, _UNREACHABLE.format(endpoint=endpoint.name)

    def close(self) -> None:
        """Close the connections; to be called from another thread than the loop's."""
        if self._session and self._loop and self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._session.close(), self._loop)

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp  # noqa: PLC0415 - as above

        self._loop = asyncio.get_running_loop()
        self._limit = aiohttp.ClientTimeout(total=SECONDS)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=self._limit,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),  # the caller's own, or none
        )
        return self._session


def model_error(endpoint: Record, status: int, original: str, *, container: str = "primary") -> Response:
    """Return ModelError for what a container answered with a status of its own; 0 if it did not answer."""
    group = f"{GROUP}/{endpoint.name}"
    side = "client" if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR else "server"
    message = f'Received {side} error ({status}) from {container} with message "{original}".'
    document: dict[str, str | int] = {
        "Message": f"{message} {console_of(endpoint)}",
        "OriginalStatusCode": status,
        "OriginalMessage": original,
        "LogStreamArn": f"arn:aws:logs:{endpoint.region}:{endpoint.account}:log-group:{group}",
    }
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "ModelError"}
    return HTTPStatus.FAILED_DEPENDENCY, headers, json.dumps(document).encode()


def console_of(endpoint: Record) -> str:
    """Return the sentence that says where an endpoint's log is."""
    region, group = endpoint.region, f"{GROUP}/{endpoint.name}"
    return (
        f"See https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} "
        f"in account {endpoint.account} for more information."
    )
