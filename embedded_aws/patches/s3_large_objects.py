"""Large objects: while one is put, joined, copied or read, the gateway answers everybody else, and stays at its size.

ministack takes a request's body together, hashes it and puts parts together in memory, on the event loop, several
copies of it at a time. Here the body of an object goes to its file while it comes, out of its frames and hashed on a
thread; S3's handlers are given a Content, which has a length and the hashes, and slices; and what is sent is read in
pieces. Held in memory whole are still: what a browser's form uploads (POST), what nobody has signed, and the objects
that other services of ministack's read (the code of a function, a table of Athena's).
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

import ministack.app
from ministack.services import s3

from embedded_aws.patches import s3_contents, s3_hashes, s3_storage
from embedded_aws.patches.patching import Patches
from embedded_aws.patches.s3_contents import LARGE_BYTES
from embedded_aws.storage import checksums
from embedded_aws.storage.aws_chunked import FrameError, Frames
from embedded_aws.storage.contents import PIECE_BYTES, Content
from embedded_aws.storage.object_files import Writer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
    from typing import BinaryIO

    from embedded_aws.patches.service_handlers import Response

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Query = dict[str, list[str]]

_SIGNED_FOR_S3 = re.compile(r"Credential=[^,]*/s3/aws4_request|AWS ")
_OF_AN_OBJECT = frozenset({"acl", "annotation", "legal-hold", "retention", "tagging"})

_ASKED: ContextVar[tuple[str, Query]] = ContextVar("asked")  # where the request at hand goes

patches = Patches()


def apply() -> None:
    """Keep large bodies off the event loop, and out of memory."""
    patches.apply()


class _Arrived(bytes):
    """No bytes, for all that look into a request's body before S3 does; S3 finds here what has come, or why not."""

    found: Content | OSError


def _arrived(found: Content | OSError) -> _Arrived:
    made = _Arrived()
    made.found = found
    return made


@patches.wraps(ministack.app._handle_pre_body_request)
async def _handle_pre_body_request(
    original: Callable[..., Awaitable[Any]],
    method: str,
    path: str,
    headers: dict[str, str],
    query_params: Query,
    request_id: str,
) -> Any:
    _ASKED.set((path, query_params))
    return await original(method, path, headers, query_params, request_id)


@patches.wraps(ministack.app._read_request_body)
async def _read_request_body(
    original: Callable[[Receive, str, dict[str, str]], Awaitable[bytes]],
    receive: Receive,
    method: str,
    headers: dict[str, str],
) -> Any:
    """Read a small body as ministack does, that of an object into its file, another large one by way of a file."""
    messages: list[Message] = []
    size = 0
    while size <= LARGE_BYTES:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if message.get("type") != "http.request" or not message.get("more_body", False):
            return await original(partial(_given, iter(messages)), method, headers)
    incoming = _Incoming(messages, receive)
    if method == "PUT" and _is_objects(headers, *_ASKED.get()):
        return await _object(incoming, headers, _ASKED.get()[1])
    with tempfile.TemporaryFile() as file:
        await incoming.feed(file.writelines)
        return await asyncio.to_thread(_whole, file, headers)


async def _given(messages: Iterator[Message]) -> Message:
    return next(messages)


class _Incoming:
    """A body that comes in, of which some has come."""

    def __init__(self, messages: list[Message], receive: Receive) -> None:
        self._messages = messages
        self._receive = receive
        self._more = True

    async def feed(self, take: Callable[[list[bytes]], object]) -> None:
        """Give it to a function about a megabyte at a time, on a thread, while more comes."""
        taking: asyncio.Future[object] | None = None
        try:
            while pieces := await self._some():
                if taking:
                    await taking
                taking = asyncio.ensure_future(asyncio.to_thread(take, pieces))
        finally:
            if taking:
                await taking

    async def drain(self) -> None:
        """Let the rest come in: who sends is answered when all is sent."""
        while await self._some():
            pass

    async def _some(self) -> list[bytes]:
        messages, self._messages = self._messages, []
        size = sum(len(message.get("body", b"")) for message in messages)
        while self._more and size < LARGE_BYTES:
            message = await self._receive()
            if message.get("type") == "http.disconnect":
                raise ministack.app._RequestBodyDisconnected
            messages.append(message)
            size += len(message.get("body", b""))
            self._more = message.get("more_body", False)
        return [message.get("body", b"") for message in messages]


def _is_objects(headers: dict[str, str], path: str, query: Query) -> bool:
    """Tell whether a body is to be an object or a part of one."""
    signed = query.get("X-Amz-Credential", [""])[0].endswith("/s3/aws4_request") or "AWSAccessKeyId" in query
    if not signed and not _SIGNED_FOR_S3.search(headers.get("authorization", "")):
        return False
    return not _OF_AN_OBJECT & query.keys() and ministack.app.detect_service("PUT", path, headers, query) == "s3"


async def _object(incoming: _Incoming, headers: dict[str, str], query: Query) -> _Arrived:
    """Write the content of an object that comes in."""
    upload = s3._multipart_uploads.get(query.get("uploadId", [""])[0])
    frames = Frames() if _is_framed(headers) else None
    size = 0

    def take(writer: Writer, pieces: list[bytes]) -> None:
        nonlocal size
        for piece in pieces:
            size += len(piece)
            for plain in frames.add(piece) if frames else (piece,):
                writer.write(plain)

    try:
        with Writer(s3_storage.files(), {checksums.MD5, *s3_hashes.algorithms(headers, upload)}) as writer:
            await incoming.feed(partial(take, writer))
            _check_length(size, headers)
            if frames:
                _read_trailer(frames.trailer, writer.size, headers)
            return _arrived(writer.content())
    except OSError as error:
        await incoming.drain()
        return _arrived(error.with_traceback(None))
    except FrameError as error:
        await incoming.drain()
        raise ministack.app._IncompleteRequestBody(str(error)) from error


def _check_length(size: int, headers: dict[str, str]) -> None:
    declared = headers.get("content-length")
    if declared is not None and not (re.fullmatch(r"\s*[0-9]+\s*", declared) and int(declared) == size):
        raise ministack.app._IncompleteRequestBody("Content-Length does not match request body")


def _read_trailer(trailer: bytes, size: int, headers: dict[str, str]) -> None:
    """Let ministack read what follows the last frame into the headers, as if it had all of them before it."""
    declared = headers.get("x-amz-decoded-content-length")
    if declared is not None:
        if not (re.fullmatch(r"\s*[0-9]+\s*", declared) and int(declared) == size):
            raise ministack.app._IncompleteRequestBody("Decoded aws-chunked length mismatch")
        headers["x-amz-decoded-content-length"] = "0"
    ministack.app._decode_aws_chunked_body(b"0\r\n" + trailer, headers)
    if declared is not None:
        headers["x-amz-decoded-content-length"] = declared


def _whole(file: BinaryIO, headers: dict[str, str]) -> bytes:
    """Return the body as it is meant: whole, and out of the frames of AWS's chunks. Raises what ministack does."""
    file.flush()
    _check_length(file.tell(), headers)
    file.seek(0)
    return ministack.app._decode_aws_chunked_body(file.read(), headers)


def _is_framed(headers: dict[str, str]) -> bool:
    return bool(
        headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        or "aws-chunked" in headers.get("content-encoding", "")
        or headers.get("x-amz-decoded-content-length")
    )


@patches.wraps(ministack.app._send_response)
async def _send_response(
    original: Callable[..., Awaitable[None]],
    send: Send,
    status: int,
    headers: dict[str, Any],
    body: Any,
    *,
    head: bool = False,
) -> None:
    """Send a large body piece by piece, as fast as the client takes it."""
    if isinstance(body, Content) and len(body) <= LARGE_BYTES:
        body = body.read()
    if head or not isinstance(body, bytes | Content) or len(body) <= LARGE_BYTES:
        await original(send, status, headers, body, head=head)
        return
    if "content-length" not in {name.lower() for name in headers}:
        headers["Content-Length"] = str(len(body))
    described = ministack.app._asgi_header_list(headers)
    pieces = body.chunks() if isinstance(body, Content) else _pieces(body)
    try:
        piece = await asyncio.to_thread(next, pieces, b"")
    except OSError as error:
        await original(send, *s3_storage.refused(error))
        return
    await send({"type": "http.response.start", "status": status, "headers": described})
    while piece:
        coming = asyncio.ensure_future(asyncio.to_thread(next, pieces, b""))
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        piece = await coming
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _pieces(body: bytes) -> Iterator[bytes]:
    for begin in range(0, len(body), PIECE_BYTES):
        yield body[begin : begin + PIECE_BYTES]


@patches.wraps(s3.handle_request)
async def _handle_request(
    original: Callable[..., Coroutine[Any, Any, Response]],
    method: str,
    path: str,
    headers: dict[str, str],
    body: Any,
    query_params: Query,
    *more: Any,
    **how: Any,
) -> Response:
    """Give S3 what has come, and have made on threads what its handlers will ask of it on the event loop."""
    if isinstance(body, _Arrived):
        body = body.found
    if isinstance(body, OSError):
        return s3_storage.refused(body)
    try:
        with s3_contents.Request() as request:
            await s3_hashes.prepare(request, body, headers, query_params)
            return await original(method, path, headers, body, query_params, *more, **how)
    except OSError as error:
        return s3_storage.refused(error)
