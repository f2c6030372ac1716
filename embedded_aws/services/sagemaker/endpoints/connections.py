"""Connections to hosts that stay open: each asks one thing at a time, and answers are HTTP as host/web.py writes it.

A general client (aiohttp) takes a third of all the time that the gateway spends on an invocation.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    Answer = tuple[int, dict[str, str], bytes]

HOST = "127.0.0.1"


class Connections:
    """A pool for all hosts, by port. Used on the event loop only."""

    def __init__(self) -> None:
        self._idle: dict[int, list[_Connection]] = defaultdict(list)

    async def post(self, port: int, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The host's status, headers (names in lower case) and body. Raises OSError when there is none."""
        idle = self._idle[port]
        connection = idle.pop() if idle else await self._open(port)
        try:
            answer = await connection.ask(_message(path, headers, body))
        except BaseException:
            connection.end()
            raise
        if not connection.lost:
            idle.append(connection)
        return answer

    def close(self) -> None:
        """End those that are idle."""
        for connections in self._idle.values():
            for connection in connections:
                connection.end()
            connections.clear()

    async def _open(self, port: int) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self._idle[port]), HOST, port)
        return connection


class _Connection(asyncio.Protocol):
    """One of them; `idle` are those of its host that nobody uses just now."""

    def __init__(self, idle: list[_Connection]) -> None:
        self.lost = False
        self._idle = idle
        self._received = bytearray()
        self._size: int | None = None  # of the body, once the head is there
        self._answer: asyncio.Future[Answer] | None = None

    async def ask(self, message: bytes) -> Answer:
        """Send a whole request, wait for the whole answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await self._answer

    def end(self) -> None:
        """Close it, whatever is under way."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Know the way."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand the answer over once it is whole."""
        self._received += data
        if self._size is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            status, *lines = self._received[:end].decode("latin-1").split("\r\n")
            self._status = int(status.split(" ")[1])
            self._headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            del self._received[: end + 4]
            self._size = int(self._headers["content-length"])
        if len(self._received) >= self._size:
            self._size = None
            body, self._received = bytes(self._received), bytearray()
            if self._answer and not self._answer.done():
                self._answer.set_result((self._status, self._headers, body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits; nobody is to use it again."""
        self.lost = True
        if self in self._idle:
            self._idle.remove(self)
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the host has hung up"))


def _message(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: host", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
