"""Large objects: while one is put, joined, copied or read, the gateway answers everybody else.

ministack takes a request's body together, hashes it and puts parts together on the event loop, several copies of it at
a time. Here a large body is gathered in a file, unpacked and hashed on threads, and answered in pieces. S3's own
handlers stay on the loop, one at a time, and find the hashes made; only the joining of parts is a thread's, one at a
time: a listing at the very moment in which it puts its object there may fail with a 500, which clients try again. An
object is still held in memory, once, and while its parts are joined twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import mmap
import re
import tempfile
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

import anycrc
import ministack.app
import wrapt
from ministack.services import s3

from embedded_aws.patches.patching import Patches, assign

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
    from typing import BinaryIO

    from embedded_aws.patches.service_handlers import Response

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

LARGE_BYTES = 1024**2
_PIECE_BYTES = 256 * 1024
_CHECKSUM = "x-amz-checksum-"

# The MD5 digests and the checksums that are made of the bodies of the request at hand, by the bodies' ids.
_DIGESTS: ContextVar[dict[int, bytes]] = ContextVar("digests")
_CHECKSUMS: ContextVar[dict[tuple[int, str], str | None]] = ContextVar("checksums")
_JOINING = asyncio.Lock()

patches = Patches()


def apply() -> None:
    """Keep large bodies off the event loop."""
    assign(__name__, s3, "hashlib", _Hashlib(hashlib))
    patches.apply()


@patches.wraps(ministack.app._read_request_body)
async def _read_request_body(
    original: Callable[[Receive, str, dict[str, str]], Awaitable[bytes]],
    receive: Receive,
    method: str,
    headers: dict[str, str],
) -> bytes:
    """Read a small body as ministack does, a large one by way of a file."""
    messages: list[Message] = []
    size = 0
    while size <= LARGE_BYTES:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if message.get("type") != "http.request" or not message.get("more_body", False):
            return await original(partial(_given, iter(messages)), method, headers)
    with tempfile.TemporaryFile() as file:
        await _gather(file, messages, receive)
        return await asyncio.to_thread(_whole, file, headers)


async def _given(messages: Iterator[Message]) -> Message:
    return next(messages)


async def _gather(file: BinaryIO, messages: list[Message], receive: Receive) -> None:
    """Write what has come and what is still to come into the file, a few pieces at a time, on a thread."""
    more = True
    while more:
        await asyncio.to_thread(file.writelines, [message.get("body", b"") for message in messages])
        messages, size = [], 0
        while more and size < LARGE_BYTES:
            message = await receive()
            if message.get("type") == "http.disconnect":
                raise ministack.app._RequestBodyDisconnected
            messages.append(message)
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
    await asyncio.to_thread(file.writelines, [message.get("body", b"") for message in messages])


def _whole(file: BinaryIO, headers: dict[str, str]) -> bytes:
    """Return the body as it is meant: whole, and out of the frames of AWS's chunks. Raises what ministack does."""
    file.flush()
    size = file.tell()
    declared = headers.get("content-length")
    if declared is not None and not (re.fullmatch(r"\s*[0-9]+\s*", declared) and int(declared) == size):
        raise ministack.app._IncompleteRequestBody("Content-Length does not match request body")
    if not _is_framed(headers):
        file.seek(0)
        return file.read()
    with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped:
        return ministack.app._decode_aws_chunked_body(mapped, headers)


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
    if head or not isinstance(body, bytes) or len(body) <= LARGE_BYTES:
        await original(send, status, headers, body, head=head)
        return
    if "content-length" not in {name.lower() for name in headers}:
        headers["Content-Length"] = str(len(body))
    described = ministack.app._asgi_header_list(headers)
    await send({"type": "http.response.start", "status": status, "headers": described})
    view = memoryview(body)
    for begin in range(0, len(body), _PIECE_BYTES):
        end = begin + _PIECE_BYTES
        piece = bytes(view[begin:end])
        await send({"type": "http.response.body", "body": piece, "more_body": end < len(body)})


@patches.wraps(s3.handle_request)
async def _handle_request(
    original: Callable[..., Coroutine[Any, Any, Response]],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    *more: Any,
    **how: Any,
) -> Response:
    """Make the hashes of large bodies on threads, before S3's handlers ask for them on the event loop."""
    digests, checksums = _DIGESTS.set({}), _CHECKSUMS.set({})
    try:
        upload = s3._multipart_uploads.get(query_params.get("uploadId", [""])[0])
        if method == "POST" and upload:
            _DIGESTS.get().update(
                {id(part["body"]): bytes.fromhex(part["etag"].strip('"')) for part in upload["parts"].values()}
            )
            async with _JOINING:
                work = original(method, path, headers, body, query_params, *more, **how)
                return await asyncio.to_thread(asyncio.run, work)
        if len(body) > LARGE_BYTES:
            await asyncio.to_thread(_hash, body, _algorithms(headers, upload))
        elif "x-amz-copy-source" in headers and (source := _source(headers["x-amz-copy-source"])):
            await asyncio.to_thread(_hash, source, _algorithms(headers, None))
        return await original(method, path, headers, body, query_params, *more, **how)
    finally:
        # Threads that the handler has started may go on in this context, when other bodies have these ids.
        _DIGESTS.get().clear()
        _CHECKSUMS.get().clear()
        _DIGESTS.reset(digests)
        _CHECKSUMS.reset(checksums)


def _hash(body: bytes, algorithms: set[str]) -> None:
    _DIGESTS.get()[id(body)] = hashlib.md5(body, usedforsecurity=False).digest()
    for algorithm in algorithms:
        _CHECKSUMS.get()[id(body), algorithm] = s3._compute_s3_checksum(algorithm, body)


@patches.wraps(s3.md5_hash, s3)
def _md5_hash(original: Callable[[bytes], str], data: bytes) -> str:
    found = _DIGESTS.get({}).get(id(data))
    return found.hex() if found else original(data)


@patches.wraps(s3._compute_s3_checksum)
def _compute_s3_checksum(original: Callable[[str, bytes], str | None], algorithm: str, body: bytes) -> str | None:
    key = id(body), _plain(algorithm)
    made = _CHECKSUMS.get({})
    return made[key] if key in made else original(algorithm, body)


@patches.replaces(s3._crc64nvme)
def _crc64nvme(body: bytes) -> int:
    """Return the checksum that the AWS CLI 2 sends with every upload; in Python it takes a minute for 700 MB."""
    return int(_CRC64NVME.calc(body))


@patches.replaces(s3._crc32c)
def _crc32c(body: bytes) -> int:
    return int(_CRC32C.calc(body))


_CRC64NVME, _CRC32C = (anycrc.Model(name) for name in ("CRC64-NVME", "CRC32-ISCSI"))


class _Hashlib(wrapt.ObjectProxy):
    """Python's hashlib for S3's module, which knows the MD5 of what was hashed before."""

    def md5(self, body: Any = b"", **how: Any) -> Any:
        found = _DIGESTS.get({}).get(id(body))
        return _Digest(found) if found else hashlib.md5(body, **how)  # noqa: S324 - S3's ETag


class _Digest:
    """An MD5 digest as hashlib has it."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def digest(self) -> bytes:
        return self._digest

    def hexdigest(self) -> str:
        return self._digest.hex()


def _plain(algorithm: str) -> str:
    return algorithm.upper().replace("_", "")


def _algorithms(headers: dict[str, str], upload: Any) -> set[str]:
    """Return the checksums that a request names, gives or asks for."""
    named = {headers.get("x-amz-sdk-checksum-algorithm"), headers.get("x-amz-checksum-algorithm")}
    given = {alg for alg in s3._S3_CHECKSUM_HEADERS if _CHECKSUM + alg in headers}
    wanted = {upload.get("checksum_algorithm")} if upload else set()
    return {_plain(each) for each in named | given | wanted if each}


def _source(named: str) -> bytes | None:
    """Return the body that is to be copied, if it is a large one."""
    bucket, _, key = s3.url_unquote(named.lstrip("/").partition("?")[0]).partition("/")
    body = s3._get_object_data(bucket, key)
    return body if isinstance(body, bytes) and len(body) > LARGE_BYTES else None
