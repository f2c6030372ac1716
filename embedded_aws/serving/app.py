"""Serve HTTP with uvicorn: an ASGI application that answers each request with what a function returns for it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

    Respond = Callable[["HttpRequest"], "HttpResponse"]

log = logging.getLogger(__name__)

JSON = "application/json"
_IDLE_SECONDS = 75  # before a connection that nobody uses is closed: later than the gateway closes it
_QUICK_SECONDS = 0.005
_AT_A_TIME = 8  # answers between two looks for new requests, and before uvloop sends what is written
_REMEMBERED = 8  # answers of which one quick one tells: any may have had to wait for the machine, or the interpreter


class HttpRequest(NamedTuple):
    """An HTTP request with its whole body; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class HttpResponse(NamedTuple):
    """An HTTP response: status, content type, body, and further headers by their names in lower case."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


_FAILED = HttpResponse(HTTPStatus.INTERNAL_SERVER_ERROR, JSON, b'{"error": "Internal Server Error"}')


def run(application: Application, listening: socket.socket) -> None:
    """Serve on a listening socket until SIGTERM, then finish the requests in progress.

    On another thread than the main one it serves until the process ends.
    """
    uvicorn.Server(_config(application)).run(sockets=[listening])


async def serve(application: Application, listening: socket.socket) -> None:
    """Do the same on the event loop that runs."""
    await uvicorn.Server(_config(application)).serve(sockets=[listening])


def run_handed(application: Application, channel: socket.socket) -> None:
    """Serve the connections that come as descriptors by a channel, until SIGTERM; finish the requests in progress."""
    _HandedConnections(_config(application), channel).run(sockets=[])


class _HandedConnections(uvicorn.Server):
    """A server that does not listen: another process accepts its connections and hands them on."""

    def __init__(self, config: uvicorn.Config, channel: socket.socket) -> None:
        super().__init__(config)
        self._channel = channel
        self._connecting: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections."""
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._channel, self._take)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more of them, and finish what is in progress."""
        asyncio.get_running_loop().remove_reader(self._channel)
        await super().shutdown(sockets)

    def _take(self) -> None:
        _, descriptors, _, _ = socket.recv_fds(self._channel, 1, 1)  # a byte comes with each
        loop = asyncio.get_running_loop()
        if not descriptors:  # whoever accepted them has ended
            loop.remove_reader(self._channel)
            return
        connection = socket.socket(fileno=descriptors[0])
        connecting = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connecting.discard)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _config(application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_SECONDS,
    )


class Application:
    """An ASGI application that answers each request with what `answer` returns for it."""

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer one request."""
        assert scope["type"] == "http"  # noqa: S101 - neither lifespan events nor WebSockets are switched on
        body = await _read(receive)
        if body is None:
            return
        response = await self.answer(_request(scope, body))
        headers = [
            (b"content-type", f"{response.content_type}".encode("latin-1", "replace")),
            (b"content-length", str(len(response.body)).encode()),
            *(
                (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
                for name, value in response.headers
            ),
        ]
        await send({"type": "http.response.start", "status": int(response.status), "headers": headers})
        await send({"type": "http.response.body", "body": response.body, "more_body": False})


class HostApplication(Application):
    """Answers each request with what `respond` returns for it, or with the response that `ready` has for its path.

    `respond` runs on threads while it takes long, so that a long prediction holds up nothing else; on the event loop
    while it is quick, for the way to a thread and back would take longer than the answer. Paths in `aside` are always
    answered on threads.
    """

    def __init__(
        self, respond: Respond, *, ready: Mapping[str, HttpResponse] | None = None, aside: Container[str] = ()
    ) -> None:
        self._respond, self._ready, self._aside = respond, ready or {}, aside
        self._threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="respond")
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)
        self._turns: deque[asyncio.Future[None]] = deque()
        self._answered = 0  # since the last look for new requests

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request."""
        if request.path in self._ready:
            return self._ready[request.path]
        if request.path in self._aside:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._safely, request)
        if self._seconds and min(self._seconds) < _QUICK_SECONDS:
            await self._take_turn()
            return self._timed(request)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._timed, request)

    async def _take_turn(self) -> None:
        """Wait for all who came before. Whoever asks just after the others were read would else wait for them twice."""
        if not self._answered:
            asyncio.get_running_loop().call_soon(self._give_turns)
        self._answered += 1
        if self._answered <= _AT_A_TIME and not self._turns:
            return
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        await turn

    def _give_turns(self) -> None:
        self._answered = min(_AT_A_TIME, len(self._turns))
        for _ in range(self._answered):
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
        if self._answered:
            asyncio.get_running_loop().call_soon(self._give_turns)

    def _timed(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        try:
            return self._safely(request)
        finally:
            self._seconds.append(time.perf_counter() - started)

    def _safely(self, request: HttpRequest) -> HttpResponse:
        try:
            return self._respond(request)
        except Exception:
            log.exception("%s %s", request.method, request.path)
            return _FAILED


async def _read(receive: ASGIReceiveCallable) -> bytes | None:
    """Return the request's body; None if the caller has hung up."""
    parts: list[bytes] = []
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return None
        parts.append(event["body"])
        if not event["more_body"]:
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _request(scope: HTTPScope, body: bytes) -> HttpRequest:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return HttpRequest(scope["method"], scope["path"], headers, body)
