"""A proxy between a command and AWS in which calls go wrong: by their number, their operation, or chance.

It stands in front of an embedded AWS for whatever asks AWS there, boto3 and the CDK CLI alike.
"""

from __future__ import annotations

import asyncio
import io
import threading
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

from bench.support import faults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_HOST = "127.0.0.1"
_LARGEST = 1 << 30
_HOP_BY_HOP = {"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
_SET_ANEW = {"content-length", "date", "server"}


class Fault(Enum):
    """What becomes of a call."""

    NONE = "nothing"
    KILL_BEFORE = "killed before"
    KILL_AFTER = "killed after"
    LOSE = "answer lost"
    THROTTLE = "throttled"
    TROUBLE = "in trouble"
    LATE = "late"


@dataclass(frozen=True)
class Call:
    """One call: `number` counts, from 1 on, those that may change something; 0 for those that only look."""

    service: str
    operation: str
    number: int
    content: bytes

    def __str__(self) -> str:
        """Return service and operation."""
        return f"{self.service}:{self.operation}"


class FaultyProxy:
    """A proxy on a port of its own while a `with` block runs. `decide` tells what becomes of a call."""

    def __init__(self, upstream: str, *, late_seconds: float = 2) -> None:
        self.decide: Callable[[Call], Fault] = lambda _: Fault.NONE
        self.kill: Callable[[], None] = lambda: None
        self.url = ""
        self.changing: list[Call] = []
        self.count = 0
        self._upstream, self._late_seconds = upstream, late_seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def begin(self, decide: Callable[[Call], Fault], kill: Callable[[], None] = lambda: None) -> None:
        """Count anew, and let calls go wrong so; `kill` ends who calls."""
        self.decide, self.kill, self.changing, self.count = decide, kill, [], 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait_for(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._wait_for(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait_for(self, work: Awaitable[None]) -> None:
        async def done() -> None:
            await work

        asyncio.run_coroutine_threadsafe(done(), self._loop).result()

    async def _start(self) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None))
        application = web.Application(client_max_size=_LARGEST)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, 0)
        await site.start()
        self.url = f"http://{_HOST}:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.count += 1
        call = self._call(request, body)
        fault, kill = self.decide(call), self.kill  # of now: the next command may have begun when it is answered
        if fault is Fault.KILL_BEFORE:
            kill()
            return _hung_up(request)
        if fault in {Fault.THROTTLE, Fault.TROUBLE}:
            protocol = _protocol(request, call.service)
            told = faults.throttled(call.service, protocol) if fault is Fault.THROTTLE else faults.in_trouble(protocol)
            return web.Response(status=told.status, headers=dict(told.headers), body=told.body)
        answer = await self._forward(request, body)
        if fault is Fault.KILL_AFTER:
            kill()
        if fault in {Fault.KILL_AFTER, Fault.LOSE}:
            return _hung_up(request)
        if fault is Fault.LATE:
            await asyncio.sleep(self._late_seconds)
        return answer

    def _call(self, request: web.Request, body: bytes) -> Call:
        operation = _operation(request, body)
        changing = request.method not in {"GET", "HEAD"} if operation == request.method else faults.changes(operation)
        call = Call(_service(request), operation, len(self.changing) + 1 if changing else 0, body)
        if changing:
            self.changing.append(call)
        return call

    async def _forward(self, request: web.Request, body: bytes) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        async with self._session.request(
            request.method,
            f"{self._upstream}{request.raw_path}",
            headers=headers,
            data=io.BytesIO(body) if body else None,
        ) as answer:
            content = await answer.read()
            left_out = _HOP_BY_HOP | (_SET_ANEW if request.method != "HEAD" else _SET_ANEW - {"content-length"})
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in left_out]
            return web.Response(status=answer.status, headers=kept, body=content or None)


def _hung_up(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


def _service(request: web.Request) -> str:
    """Return the service that a request is signed for."""
    signed = request.headers.get("Authorization", "").partition("Credential=")[2].partition(",")[0]
    parts = (signed or request.query.get("X-Amz-Credential", "")).split("/")
    return parts[3] if len(parts) > 3 else ""  # noqa: PLR2004 - key, date, region, service


def _operation(request: web.Request, body: bytes) -> str:
    """Return the operation that a request names; of a REST protocol, the HTTP method."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    if request.path.startswith("/service/"):  # RPC v2
        return request.path.rpartition("/")[2]
    if request.content_type == "application/x-www-form-urlencoded":
        return parse_qs(body.decode(errors="replace")).get("Action", [request.method])[0]
    return request.method


def _protocol(request: web.Request, service: str) -> str:
    if service in {"s3", "ec2"}:
        return "rest-xml" if service == "s3" else "ec2"
    return "query" if request.content_type == "application/x-www-form-urlencoded" else "json"
