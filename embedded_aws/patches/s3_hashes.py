"""Hashes of objects: of large ones they are made on threads, before S3's handlers ask for them on the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Any

import wrapt
from ministack.services import s3

from embedded_aws.patches import s3_contents
from embedded_aws.patches.patching import Patches, assign
from embedded_aws.patches.s3_contents import LARGE_BYTES
from embedded_aws.patches.s3_multipart import StandIn
from embedded_aws.storage import checksums
from embedded_aws.storage.contents import Content

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.patches.s3_contents import Request
    from embedded_aws.storage.checksums import Hashes

_SOURCE = "x-amz-copy-source"
_CHECKSUM = "x-amz-checksum-"
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")

patches = Patches()


def apply() -> None:
    """Let S3 know the hashes of contents."""
    assign(__name__, s3, "hashlib", _Hashlib(hashlib))
    patches.apply()


async def prepare(request: Request, body: Any, headers: dict[str, str], query: dict[str, list[str]]) -> None:
    """Make what a request will need of its body, or of what it copies. Raises OSError."""
    if not isinstance(body, Content) and _SOURCE not in headers:
        return
    upload = s3._multipart_uploads.get(query.get("uploadId", [""])[0])
    if isinstance(body, Content):
        await _hash(request, body, {checksums.MD5, *algorithms(headers, upload)})
    elif source := _source(headers[_SOURCE]):
        part = _part(source, headers) if upload else source
        await _hash(request, part, {checksums.MD5} if upload else algorithms(headers, None))


def algorithms(headers: dict[str, str], upload: Any) -> set[str]:
    """Return the checksums that a request names, gives, announces or asks for."""
    named = {headers.get("x-amz-sdk-checksum-algorithm"), headers.get("x-amz-checksum-algorithm")}
    trailer = headers.get("x-amz-trailer", "").lower()
    given = {alg for alg in s3._S3_CHECKSUM_HEADERS if _CHECKSUM + alg in headers or trailer == _CHECKSUM + alg}
    wanted = {upload.get("checksum_algorithm")} if upload else set()
    return {_plain(each) for each in named | given | wanted if each}


async def _hash(request: Request, content: Content, algorithms: set[str]) -> None:
    if algorithms:
        await asyncio.to_thread(content.hash, algorithms)
        request.hashed[content.pieces] = content.hashes


def _hashes(content: Content, algorithm: str) -> Hashes:
    """Return the hashes of a content; what was not foreseen is made now."""
    request = s3_contents.request()
    found = request.hashed.get(content.pieces) if request else None
    if found is None or found.digest(algorithm) is None:
        content.hash((algorithm,))
        return content.hashes
    return found


@patches.wraps(s3.md5_hash, s3)
def _md5_hash(original: Callable[[Any], str], data: Any) -> str:
    return _md5(data).hex() if isinstance(data, Content) else original(data)


@patches.wraps(s3._compute_s3_checksum)
def _compute_s3_checksum(original: Callable[[str, Any], str | None], algorithm: str, body: Any) -> str | None:
    if not isinstance(body, Content):
        return original(algorithm, body)
    return _hashes(body, _plain(algorithm)).encoded(_plain(algorithm))


@patches.replaces(s3._crc64nvme)
def _crc64nvme(body: bytes) -> int:
    """Return the checksum; ministack's takes a minute for 700 MB."""
    return checksums.crc64nvme(body)


@patches.replaces(s3._crc32c)
def _crc32c(body: bytes) -> int:
    return checksums.crc32c(body)


class _Hashlib(wrapt.ObjectProxy):
    """Python's hashlib for S3's module, which knows what a Content is, and what stands for one."""

    def md5(self, body: Any = b"", **how: Any) -> Any:
        if isinstance(body, Content):
            return _Digest(_md5(body))
        return _Digest(body.md5) if isinstance(body, StandIn) else hashlib.md5(body, **how)  # noqa: S324 - S3's ETag


class _Digest:
    """An MD5 digest as hashlib has it."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def digest(self) -> bytes:
        return self._digest

    def hexdigest(self) -> str:
        return self._digest.hex()


def _md5(content: Content) -> bytes:
    return _hashes(content, checksums.MD5).digest(checksums.MD5) or b""


def _plain(algorithm: str) -> str:
    return algorithm.upper().replace("_", "")


def _source(named: str) -> Content | None:
    """Return the content that is to be copied, if it is a large one."""
    path, _, query = named.lstrip("/").partition("?")
    bucket, _, key = s3.url_unquote(path).partition("/")
    if version := query.removeprefix("versionId="):
        versions = s3._object_versions.get((bucket, key), [])
        found = next((each.get("data") for each in versions if each["version_id"] == version), None)
    else:
        found = s3._buckets.get(bucket, {}).get("objects", {}).get(key, {}).get("body")
    return found if isinstance(found, Content) and len(found) > LARGE_BYTES else None


def _part(source: Content, headers: dict[str, str]) -> Content:
    """Return the part of it that is to be copied as a part of an upload."""
    found = _RANGE.fullmatch(headers.get("x-amz-copy-source-range", ""))
    return source[int(found[1]) : int(found[2]) + 1] if found else source
