"""The gateway's forward proxy: what is meant for AWS's names comes to the embedded AWS, all else goes its own way.

It never lets a connection to one of AWS's names leave the machine, but to what the gateway's environment names as the
user's own package index. Others go where that environment sends them: to its proxy, or straight to the host; a CONNECT
tunnel's bytes are not touched. Nobody reaches this machine's own ports by it, nor the metadata service of the cloud
that it may stand in, whatever the name is that leads there; the user's package index may be on this machine.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import logging
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from embedded_aws import aws_names, proxies
from embedded_aws.runtime.streams import relay
from embedded_aws.settings import HOST

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from embedded_aws.runtime.streams import Streams

log = logging.getLogger(__name__)

_HEAD_BYTES = 64 * 1024
_HEAD_END = b"\r\n\r\n"
_REQUEST_SECONDS = 60.0
_CONNECT_SECONDS = 30.0
_HTTPS_PORT, _HTTP_PORT = 443, 80
_METADATA = {ipaddress.ip_address("fd00:ec2::254")}  # EC2's, beside the link-local one
_CREDENTIALS = b"proxy-authorization:"
_HOP_BY_HOP = (b"proxy-connection:", b"connection:", b"keep-alive:")


class _RefusedError(Exception):
    """A request that can't be carried out; the message is the answer's body."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class _Request:
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
        return await asyncio.start_server(self._answer, sock=listening, limit=_HEAD_BYTES)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                head = await reader.readuntil(_HEAD_END)
            request = _parse(head)
            upstream = await self._connect(request)
            if request.method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await relay((reader, writer), upstream)
        except _RefusedError as refusal:
            await _refuse(writer, refusal)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # who asked is gone, or says nothing
        finally:
            writer.close()

    async def _connect(self, request: _Request) -> Streams:
        """Reach the other end, and tell it what it needs to hear before the two talk to each other."""
        tunnel = request.method == "CONNECT"
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                is_index = (request.host, request.port) in proxies.package_indexes(self.outside)
                if aws_names.is_aws(request.host) and not is_index:
                    upstream = await asyncio.open_connection(HOST, self._port(request))
                    proxy = None
                else:
                    proxy = proxies.upstream(request.scheme, request.host, request.port, self.outside)
                    upstream = await (_open_proxy(proxy) if proxy else _open(request))
                    if not (proxy or is_index):
                        _check_is_elsewhere(upstream[1], request)
                if tunnel and proxy:
                    await _tunnel(upstream, request, proxy)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise _RefusedError(HTTPStatus.BAD_GATEWAY, f"{request.authority} can't be reached: {error}.") from error
        if not tunnel:
            upstream[1].write(_head(request, proxy))
        return upstream

    def _port(self, request: _Request) -> int:
        if request.port == _HTTPS_PORT and request.method == "CONNECT":
            return self.tls_port
        if request.port == _HTTP_PORT and self.plain_port:
            return self.plain_port
        raise _RefusedError(
            HTTPStatus.FORBIDDEN,
            f"{request.authority} is AWS's, and the embedded AWS answers for it over "
            f"{'https' if self.plain_port is None else 'https and http'} only; nothing is sent to AWS.",
        )


def _parse(head: bytes) -> _Request:
    first, *headers = head.removesuffix(_HEAD_END).split(b"\r\n")
    parts = first.decode("latin-1").split(" ")
    try:
        method, target, _ = parts
        url = urlsplit(f"https://{target}" if method == "CONNECT" else target)
        port = url.port or (_HTTPS_PORT if url.scheme == "https" else _HTTP_PORT)
        if url.hostname and url.scheme in ("http", "https"):
            where = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
            return _Request(method, url.scheme, url.hostname, port, where, headers)
    except ValueError:
        pass
    raise _RefusedError(
        HTTPStatus.BAD_REQUEST,
        "This is the embedded AWS's forward proxy: HTTPS_PROXY names it; it answers no requests of its own.",
    )


def _head(request: _Request, proxy: str | None) -> bytes:
    """Return the request's head as its receiver wants it; the connection serves this one request only."""
    dropped = _HOP_BY_HOP if proxy else (*_HOP_BY_HOP, _CREDENTIALS)
    kept = [line for line in request.headers if not line.lower().startswith(dropped)]
    target = f"http://{request.authority.removesuffix(f':{_HTTP_PORT}')}{request.target}" if proxy else request.target
    ours = [b"Connection: close", *(_authorization(proxy) if proxy else [])]
    return b"\r\n".join([f"{request.method} {target} HTTP/1.1".encode("latin-1"), *kept, *ours]) + _HEAD_END


async def _open(request: _Request) -> Streams:
    return await asyncio.open_connection(request.host, request.port)


def _check_is_elsewhere(writer: asyncio.StreamWriter, request: _Request) -> None:
    """Raise _RefusedError if a connection has led to this machine: by its end, for names may lead anywhere."""
    other, own = (
        ipaddress.ip_address(writer.get_extra_info(end)[0].partition("%")[0]) for end in ("peername", "sockname")
    )
    address = getattr(other, "ipv4_mapped", None) or other
    if address.is_loopback or address.is_link_local or address in _METADATA or other == own:
        writer.close()
        raise _RefusedError(
            HTTPStatus.FORBIDDEN, f"{request.authority} is this machine itself, which is not reached by this proxy."
        )


async def _open_proxy(proxy: str) -> Streams:
    url = urlsplit(proxy)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise OSError(f"the proxy {url.scheme}://{url.hostname} is none that this one can use")
    secured = url.scheme == "https"
    context = ssl.create_default_context() if secured else None
    return await asyncio.open_connection(
        url.hostname, url.port or (_HTTPS_PORT if secured else _HTTP_PORT), ssl=context
    )


async def _tunnel(upstream: Streams, request: _Request, proxy: str) -> None:
    """Have the user's own proxy connect. Raises _RefusedError with its answer if it does not."""
    reader, writer = upstream
    authority = request.authority.encode()
    lines = [b"CONNECT " + authority + b" HTTP/1.1", b"Host: " + authority, *_authorization(proxy)]
    writer.write(b"\r\n".join(lines) + _HEAD_END)
    answer = await reader.readuntil(_HEAD_END)
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
        writer.write("\r\n".join(head).encode() + _HEAD_END + body)
        await writer.drain()
