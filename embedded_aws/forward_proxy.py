"""The gateway's forward proxy: what is meant for AWS's names comes to the embedded AWS, all else goes its own way.

It never lets a connection to one of AWS's names leave the machine, but to what the gateway's environment names as the
user's own package index. Others go where that environment sends them: to its proxy, or straight to the host; a CONNECT
tunnel's bytes are not touched.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from embedded_aws import aws_names, proxies

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

log = logging.getLogger(__name__)

_HEAD = 64 * 1024
_PIECE = 256 * 1024
_END = b"\r\n\r\n"
_SPEAK_SECONDS = 60.0
_CONNECT_SECONDS = 30.0
_TLS, _PLAIN = 443, 80
_HOST = "127.0.0.1"
_CREDENTIALS = b"proxy-authorization:"
_OF_ONE_HOP = (b"proxy-connection:", b"connection:", b"keep-alive:")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _RefusedError(Exception):
    """What can't be done; the message is the answer's body."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class _Asked:
    """The head of a request to a proxy: `CONNECT host:port`, or a method on a whole URL."""

    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: list[bytes]

    @property
    def authority(self) -> str:
        """Host and port, as a request writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class ForwardProxy:
    """One proxy. The ports are the embedded AWS's, on the loopback address: over TLS, and without unless it has none.

    `outside` is the environment that says how other hosts are reached.
    """

    tls_port: int
    plain_port: int | None
    outside: Mapping[str, str]

    async def serve(self, listening: socket.socket) -> asyncio.Server:
        """Answer on a socket until the server that this returns is closed."""
        return await asyncio.start_server(self._answer, sock=listening, limit=_HEAD)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SPEAK_SECONDS):
                head = await reader.readuntil(_END)
            asked = _read(head)
            there = await self._connect(asked)
            if asked.method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _exchange((reader, writer), there)
        except _RefusedError as refusal:
            await _refuse(writer, refusal)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # who asked is gone, or says nothing
        finally:
            writer.close()

    async def _connect(self, asked: _Asked) -> Streams:
        """Reach the other end, and tell it what it needs to hear before the two talk to each other."""
        tunnel = asked.method == "CONNECT"
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                if aws_names.is_aws(asked.host) and asked.host not in proxies.package_indexes(self.outside):
                    there = await asyncio.open_connection(_HOST, self._port(asked))
                    proxy = None
                else:
                    proxy = proxies.upstream(asked.scheme, asked.host, asked.port, self.outside)
                    there = await _open(proxy) if proxy else await asyncio.open_connection(asked.host, asked.port)
                if tunnel and proxy:
                    await _tunnel(there, asked, proxy)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise _RefusedError(HTTPStatus.BAD_GATEWAY, f"{asked.authority} can't be reached: {error}.") from error
        if not tunnel:
            there[1].write(_request(asked, proxy))
        return there

    def _port(self, asked: _Asked) -> int:
        if asked.port == _TLS and asked.method == "CONNECT":
            return self.tls_port
        if asked.port == _PLAIN and self.plain_port:
            return self.plain_port
        raise _RefusedError(
            HTTPStatus.FORBIDDEN,
            f"{asked.authority} is AWS's, and the embedded AWS answers for it over "
            f"{'https' if self.plain_port is None else 'https and http'} only; nothing is sent to AWS.",
        )


def _read(head: bytes) -> _Asked:
    first, *headers = head.removesuffix(_END).split(b"\r\n")
    parts = first.decode("latin-1").split(" ")
    try:
        method, target, _ = parts
        url = urlsplit(f"https://{target}" if method == "CONNECT" else target)
        port = url.port or (_TLS if url.scheme == "https" else _PLAIN)
        if url.hostname and url.scheme in ("http", "https"):
            where = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
            return _Asked(method, url.scheme, url.hostname, port, where, headers)
    except ValueError:
        pass
    raise _RefusedError(
        HTTPStatus.BAD_REQUEST,
        "This is the embedded AWS's forward proxy: HTTPS_PROXY names it; it answers no requests of its own.",
    )


def _request(asked: _Asked, proxy: str | None) -> bytes:
    """The request's head as its receiver wants it; the connection serves this one request only."""
    dropped = _OF_ONE_HOP if proxy else (*_OF_ONE_HOP, _CREDENTIALS)
    kept = [line for line in asked.headers if not line.lower().startswith(dropped)]
    target = f"http://{asked.authority.removesuffix(f':{_PLAIN}')}{asked.target}" if proxy else asked.target
    ours = [b"Connection: close", *(_authorization(proxy) if proxy else [])]
    return b"\r\n".join([f"{asked.method} {target} HTTP/1.1".encode("latin-1"), *kept, *ours]) + _END


async def _open(proxy: str) -> Streams:
    url = urlsplit(proxy)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise OSError(f"the proxy {url.scheme}://{url.hostname} is none that this one can use")
    secured = url.scheme == "https"
    context = ssl.create_default_context() if secured else None
    return await asyncio.open_connection(url.hostname, url.port or (_TLS if secured else _PLAIN), ssl=context)


async def _tunnel(there: Streams, asked: _Asked, proxy: str) -> None:
    """Have the user's own proxy connect. Raises _RefusedError with its answer if it does not."""
    reader, writer = there
    authority = asked.authority.encode()
    lines = [b"CONNECT " + authority + b" HTTP/1.1", b"Host: " + authority, *_authorization(proxy)]
    writer.write(b"\r\n".join(lines) + _END)
    answer = await reader.readuntil(_END)
    first = answer.split(b"\r\n", 1)[0].decode("latin-1")
    if first.split(" ")[1:2] != ["200"]:
        writer.close()
        raise _RefusedError(HTTPStatus.BAD_GATEWAY, f"The proxy {urlsplit(proxy).hostname} answered: {first}.")


def _authorization(proxy: str) -> list[bytes]:
    url = urlsplit(proxy)
    if url.username is None:
        return []
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return [b"Proxy-Authorization: Basic " + base64.b64encode(pair.encode())]


async def _exchange(one: Streams, other: Streams) -> None:
    """Pass on what each says until both have said all."""
    try:
        await asyncio.gather(_pass_on(one[0], other[1]), _pass_on(other[0], one[1]))
    finally:
        other[1].close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()  # the other direction ends with it


async def _refuse(writer: asyncio.StreamWriter, refusal: _RefusedError) -> None:
    log.warning("%s", refusal.message)
    body = refusal.message.encode()
    head = [
        f"HTTP/1.1 {refusal.status.value} {refusal.status.phrase}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    with contextlib.suppress(OSError):
        writer.write("\r\n".join(head).encode() + _END + body)
        await writer.drain()
