"""A web server that does no more than a host needs: HTTP/1.1 in, one function's answer out.

A general one (uvicorn) takes as long for a request as the lab's network for its picture.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

import httptools
import uvloop

from embedded_aws.serving.messages import HttpRequest, HttpResponse

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from embedded_aws.serving.shares import Share

    Answer = Callable[[HttpRequest], HttpResponse]

log = logging.getLogger(__name__)

_QUICK_SECONDS = 0.005
_LAST = 8  # answers of which one quick one tells: any may have had to wait for the machine, or for the interpreter
_BACKLOG = 1024  # connections that nobody has taken yet
_PAUSE_SECONDS = 0.1  # before the next connection is taken, if one could not be
_TURNS = 4  # answers between two looks for new requests: a look takes a tenth of an answer's time
_PIPELINED = 16  # requests of a connection that wait while one is answered, before no more is read from it
_BROKEN = HttpResponse(500, "application/json", b'{"error": "Internal Server Error"}')
_MALFORMED = HttpResponse(400, "application/json", b'{"error": "Bad Request"}')


def run(connection: socket.socket, server: Server, *, signals: tuple[int, ...] = ()) -> None:
    """Serve on a listening socket until one of these signals comes; requests in progress are finished."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve(connection, signals))


class Server:
    """Answers with what `answer` makes of a request, or with the reply that `at_once` has for its path.

    On threads while that takes long, so that a long prediction holds up nothing else; on the spot while it is quick,
    for the way to a thread and back would take longer than the answer.
    """

    def __init__(self, answer: Answer, share: Share, *, at_once: Mapping[str, HttpResponse]) -> None:
        self._answer, self._share, self._at_once = answer, share, at_once
        self._threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="answer")
        self._taken: deque[float] = deque(maxlen=_LAST)  # seconds
        self._turns: deque[Connection] = deque()
        self._answering = False
        self._connections: set[Connection] = set()
        self._all_gone = asyncio.Event()

    async def serve(self, connection: socket.socket, signals: tuple[int, ...]) -> None:
        """Take connections until a signal comes."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in signals:
            loop.add_signal_handler(number, ended.set)
        connection.setblocking(False)
        connection.listen(_BACKLOG)
        accepting = loop.create_task(self._accept(connection))
        accepting.add_done_callback(lambda _: ended.set())  # it ends by itself only if something is wrong
        await ended.wait()
        accepting.cancel()
        connection.close()
        for each in list(self._connections):
            each.end()
        if self._connections:
            await self._all_gone.wait()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection = await self._share.accept(listening)
                await loop.connect_accepted_socket(lambda: Connection(self), connection)
            except OSError:  # descriptors have run out, or the caller is gone already
                log.exception("a connection was not taken")
                await asyncio.sleep(_PAUSE_SECONDS)

    def opened(self, connection: Connection) -> None:
        """Know a connection."""
        self._connections.add(connection)
        self._share.add(1)
        self._all_gone.clear()

    def closed(self, connection: Connection) -> None:
        """Forget it."""
        self._connections.discard(connection)
        self._share.add(-1)
        if not self._connections:
            self._all_gone.set()

    def take_turn(self, connection: Connection) -> None:
        """Have it answer its next request after all that came before it.

        If each were answered as soon as it is read, who asks just after the others were read would wait for all of
        them twice.
        """
        self._turns.append(connection)
        if not self._answering:
            self._answering = True
            asyncio.get_running_loop().call_soon(self._answer_some)

    def _answer_some(self) -> None:
        try:
            for _ in range(min(_TURNS, len(self._turns))):
                self._turns.popleft().answer()
        finally:
            self._answering = bool(self._turns)
            if self._answering:
                asyncio.get_running_loop().call_soon(self._answer_some)

    def reply(self, request: HttpRequest) -> HttpResponse | asyncio.Future[HttpResponse]:
        """The answer, or the promise of one."""
        ready = self._at_once.get(request.path)
        if ready:
            return ready
        if self._taken and min(self._taken) < _QUICK_SECONDS:
            return self._timed(request)
        return asyncio.get_running_loop().run_in_executor(self._threads, self._timed, request)

    def _timed(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        try:
            return self._answer(request)
        except Exception:
            log.exception("%s %s", request.method, request.path)
            return _BROKEN
        finally:
            self._taken.append(time.perf_counter() - started)


class Connection(asyncio.Protocol):
    """One caller's connection. The `on_` methods are what httptools calls while it reads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[HttpRequest | None, bool]] = deque()  # None: what was no HTTP
        self._busy = self._ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Know the way back."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        del exc
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        """Read on; what is no HTTP is refused and ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return
        except httptools.HttpParserError:
            self._wait(None, keep_alive=False)

    def eof_received(self) -> bool:
        """Whoever has said all may still listen: stay open until that is answered."""
        self.end()
        return True

    def end(self) -> None:
        """Close it as soon as it owes no answer."""
        self._ending = True
        if not self._busy:
            self._transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._path, self._headers, self._body = b"", dict[str, str](), list[bytes]()

    def on_url(self, url: bytes) -> None:
        """Its target, or a part of it."""
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Ask for the body if the caller waits to be asked."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer it, after those that came before it."""
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        path = unquote(self._path.partition(b"?")[0].decode("latin-1"))
        request = HttpRequest(self._parser.get_method().decode("latin-1"), path, self._headers, body)
        self._wait(request, keep_alive=self._parser.should_keep_alive())

    def answer(self) -> None:
        """Answer the request that has waited longest, unless the caller is gone."""
        if self._transport.is_closing():
            return
        request, keep_alive = self._waiting.popleft()
        reply = self._server.reply(request) if request else _MALFORMED
        if isinstance(reply, HttpResponse):
            self._send(reply, keep_alive=keep_alive)
        else:
            reply.add_done_callback(partial(self._answered, keep_alive))

    def _wait(self, request: HttpRequest | None, *, keep_alive: bool) -> None:
        self._waiting.append((request, keep_alive))
        if not self._busy:
            self._busy = True
            self._server.take_turn(self)
        elif len(self._waiting) >= _PIPELINED:
            self._transport.pause_reading()

    def _answered(self, keep_alive: bool, done: asyncio.Future[HttpResponse]) -> None:  # noqa: FBT001 - a callback's
        self._send(done.result(), keep_alive=keep_alive)

    def _send(self, reply: HttpResponse, *, keep_alive: bool) -> None:
        if self._transport.is_closing():
            return
        stays = keep_alive and (not self._ending or bool(self._waiting))
        self._transport.write(reply.message(keep_alive=stays))
        self._busy = bool(self._waiting)
        if not stays:
            self._transport.close()
        elif self._waiting:
            self._transport.resume_reading()
            self._server.take_turn(self)
