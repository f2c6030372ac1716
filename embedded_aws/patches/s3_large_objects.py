"""Large objects: while one is put, joined, copied or read, the gateway answers everybody else.

ministack takes a request's body together, hashes it and puts parts together on the event loop, several copies of it at
a time. Here a large body is gathered in a file, unpacked and hashed on threads, and answered in pieces. S3's own
handlers stay on the loop, one at a time, and find the hashes made; only the joining of parts is a thread's, one at a
time: a listing at the very moment in which it puts its object there may fail with a 500, which clients try again. An
object is still held in memory, once, and while its parts are joined twice.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import mmap
import re
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any

import anycrc
import ministack.app
from ministack.services import s3

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
    from typing import BinaryIO

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGE_BYTES = 1024**2
_PIECE_BYTES = 256 * 1024
_CHECKSUM = "x-amz-checksum-"


def let_others_in() -> None:
    """Keep large bodies off the event loop."""
    ministack.app._read_request_body = _read_after(ministack.app._read_request_body)
    ministack.app._send_response = _in_pieces(ministack.app._send_response)
    s3.handle_request = Hashes().before(s3.handle_request)
    # In Python they take a minute for 700 MB, and the AWS CLI 2 sends the first with every upload.
    s3._crc64nvme, s3._crc32c = (anycrc.Model(name).calc for name in ("CRC64-NVME", "CRC32-ISCSI"))


def _read_after(read: Callable[..., Awaitable[bytes]]) -> Callable[..., Awaitable[bytes]]:
    async def gathered(receive: Receive, method: str, headers: dict[str, str]) -> bytes:
        """Read a small body as ministack does, a large one by way of a file."""
        messages: list[MutableMapping[str, Any]] = []
        size = 0
        while size <= LARGE_BYTES:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if message.get("type") != "http.request" or not message.get("more_body", False):
                return await read(partial(_given, iter(messages)), method, headers)
        with tempfile.TemporaryFile() as file:
            await _gather(file, messages, receive)
            return await asyncio.to_thread(_whole, file, headers)

    return gathered


async def _given(messages: Iterator[MutableMapping[str, Any]]) -> MutableMapping[str, Any]:
    return next(messages)


async def _gather(file: BinaryIO, messages: list[MutableMapping[str, Any]], receive: Receive) -> None:
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
    """The body as it is meant: whole, and out of the frames of AWS's chunks. Raises what ministack does."""
    file.flush()
    size = file.tell()
    declared = headers.get("content-length")
    if declared is not None and not (re.fullmatch(r"\s*[0-9]+\s*", declared) and int(declared) == size):
        raise ministack.app._IncompleteRequestBody("Content-Length does not match request body")
    if not _is_framed(headers):
        file.seek(0)
        return file.read()
    with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped:
        decoded: bytes = ministack.app._decode_aws_chunked_body(mapped, headers)
        return decoded


def _is_framed(headers: dict[str, str]) -> bool:
    return bool(
        headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        or "aws-chunked" in headers.get("content-encoding", "")
        or headers.get("x-amz-decoded-content-length")
    )


def _in_pieces(send_whole: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def sent(send: Send, status: int, headers: dict[str, Any], body: Any, *, head: bool = False) -> None:
        """Send a large body piece by piece, as fast as the client takes it."""
        if head or not isinstance(body, bytes) or len(body) <= LARGE_BYTES:
            await send_whole(send, status, headers, body, head=head)
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

    return sent


class Hashes:
    """Makes the hashes of large bodies on threads, before S3's handlers ask for them on the event loop."""

    def __init__(self) -> None:
        self._digests: contextvars.ContextVar[dict[int, bytes]] = contextvars.ContextVar("digests")
        self._checksums: contextvars.ContextVar[dict[tuple[int, str], str | None]] = contextvars.ContextVar("checksums")
        self._joining = asyncio.Lock()
        self._md5_hash, self._compute = s3.md5_hash, s3._compute_s3_checksum

    def before(self, handle: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Awaitable[Any]]:
        """Let the handler find what it needs."""
        s3.md5_hash = self._md5_of
        s3._compute_s3_checksum = self._checksum_of
        s3.hashlib = _Hashlib(self)

        async def handled(*request: Any, **how: Any) -> Any:
            digests, checksums = self._digests.set({}), self._checksums.set({})
            try:
                return await prepared(*request, **how)
            finally:
                # Threads that the handler has started may go on in this context, when other bodies have these ids.
                self._digests.get().clear()
                self._checksums.get().clear()
                self._digests.reset(digests)
                self._checksums.reset(checksums)

        async def prepared(
            method: str,
            path: str,
            headers: dict[str, str],
            body: bytes,
            query: dict[str, list[str]],
            *more: Any,
            **how: Any,
        ) -> Any:
            upload = s3._multipart_uploads.get(query.get("uploadId", [""])[0])
            if method == "POST" and upload:
                self._digests.get().update(
                    {id(part["body"]): bytes.fromhex(part["etag"].strip('"')) for part in upload["parts"].values()}
                )
                async with self._joining:
                    work = handle(method, path, headers, body, query, *more, **how)
                    return await asyncio.to_thread(asyncio.run, work)
            if len(body) > LARGE_BYTES:
                await asyncio.to_thread(self._make, body, _algorithms(headers, upload))
            elif "x-amz-copy-source" in headers and (source := _source(headers["x-amz-copy-source"])):
                await asyncio.to_thread(self._make, source, _algorithms(headers, None))
            return await handle(method, path, headers, body, query, *more, **how)

        return handled

    def known(self, body: Any) -> bytes | None:
        """The MD5 digest of a body, if it is made."""
        return self._digests.get({}).get(id(body))

    def _make(self, body: bytes, algorithms: set[str]) -> None:
        self._digests.get()[id(body)] = hashlib.md5(body, usedforsecurity=False).digest()
        for algorithm in algorithms:
            self._checksums.get()[id(body), algorithm] = self._compute(algorithm, body)

    def _md5_of(self, body: bytes) -> str:
        found = self.known(body)
        return found.hex() if found else str(self._md5_hash(body))

    def _checksum_of(self, algorithm: str, body: bytes) -> str | None:
        key = id(body), _plain(algorithm)
        made = self._checksums.get({})
        return made[key] if key in made else self._compute(algorithm, body)


class _Hashlib:
    """Python's hashlib for S3's module, which knows the MD5 of what was hashed before."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    def __getattr__(self, name: str) -> Any:
        return getattr(hashlib, name)

    def md5(self, body: Any = b"", **how: Any) -> Any:
        found = self._hashes.known(body)
        return _Made(found) if found else hashlib.md5(body, **how)  # noqa: S324 - S3's ETag


class _Made:
    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def digest(self) -> bytes:
        return self._digest

    def hexdigest(self) -> str:
        return self._digest.hex()


def _plain(algorithm: str) -> str:
    return algorithm.upper().replace("_", "")


def _algorithms(headers: dict[str, str], upload: Any) -> set[str]:
    """The checksums that a request names, gives or asks for."""
    named = {headers.get("x-amz-sdk-checksum-algorithm"), headers.get("x-amz-checksum-algorithm")}
    given = {alg for alg in s3._S3_CHECKSUM_HEADERS if _CHECKSUM + alg in headers}
    wanted = {upload.get("checksum_algorithm")} if upload else set()
    return {_plain(each) for each in named | given | wanted if each}


def _source(named: str) -> bytes | None:
    """The body that is to be copied, if it is a large one."""
    bucket, _, key = s3.url_unquote(named.lstrip("/").partition("?")[0]).partition("/")
    body = s3._get_object_data(bucket, key)
    return body if isinstance(body, bytes) and len(body) > LARGE_BYTES else None
