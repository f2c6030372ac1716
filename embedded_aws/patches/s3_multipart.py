"""Uploads in parts are completed without their parts being read: the object is the parts' files, one after the other.

ministack joins the parts' bodies with `b"".join`, in the middle of what else it does to complete an upload. Here it is
given stand-ins of eight bytes, which hash and measure as the parts do; what it has joined of them says which parts the
object has, and the true content is put in its place before anything else looks at it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ministack.services import s3

from embedded_aws.patches import s3_storage
from embedded_aws.patches.patching import Patches
from embedded_aws.storage.contents import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.patches.service_handlers import Response
    from embedded_aws.storage.contents import Content

    Query = dict[str, list[str]]
    Record = dict[str, Any]

_NUMBER_BYTES = 8
_JOINING: ContextVar[_Joining | None] = ContextVar("joining", default=None)

patches = Patches()


def apply() -> None:
    """Join parts so."""
    patches.apply()


class StandIn(bytes):
    """A part's number, which says that it is as long as the part."""

    size: int
    md5: bytes

    def __len__(self) -> int:
        return self.size


class _Joining:
    """The parts of an upload that is being completed."""

    def __init__(self, parts: Mapping[int, Record]) -> None:
        self._parts = parts
        self._joined: Content | None = None

    def stand_ins(self) -> dict[int, Record]:
        """Return the parts as ministack is to see them."""
        return {number: {**part, "body": _stand_in(number, part)} for number, part in self._parts.items()}

    def content(self, numbers: bytes) -> Content:
        """Return the content that stand-ins were joined for."""
        if self._joined is None:
            first = range(0, bytes.__len__(numbers), _NUMBER_BYTES)
            parts = [self._parts[int.from_bytes(numbers[at : at + _NUMBER_BYTES])] for at in first]
            self._joined = joined(part["body"] for part in parts)
        return self._joined


def _stand_in(number: int, part: Record) -> StandIn:
    made = StandIn(number.to_bytes(_NUMBER_BYTES))
    made.size = part["size"]
    made.md5 = bytes.fromhex(part["etag"].strip('"'))
    return made


@patches.wraps(s3._complete_multipart_upload)
def _complete_multipart_upload(
    original: Callable[..., Response],
    bucket_name: str,
    key: str,
    body: bytes,
    query_params: Query,
    headers: dict[str, str] | None = None,
) -> Response:
    upload = query_params.get("uploadId", [""])[0]
    found = s3._multipart_uploads.get(upload)
    if found is None:
        return original(bucket_name, key, body, query_params, headers)
    joining = _Joining(found["parts"])
    s3._multipart_uploads[upload] = {**found, "parts": joining.stand_ins()}
    token = _JOINING.set(joining)
    try:
        return original(bucket_name, key, body, query_params, headers)
    finally:
        _JOINING.reset(token)
        if upload in s3._multipart_uploads:
            s3._multipart_uploads[upload] = found


@patches.wraps(s3._maybe_replicate)
def _maybe_replicate(
    original: Callable[[str, str, Record, Any, dict[str, str] | None], None],
    bucket_name: str,
    key: str,
    obj: Record,
    data: Any,
    tags: dict[str, str] | None = None,
) -> None:
    if joining := _JOINING.get():
        data = obj["body"] = joining.content(data)
        obj["size"] = data.size
    original(bucket_name, key, obj, data, tags)


@patches.wraps(s3._record_object_version)
def _record_object_version(
    original: Callable[[str, str, Record | None, Record, Any], str | None],
    bucket_name: str,
    key: str,
    prior_obj: Record | None,
    obj: Record,
    data: Any,
) -> str | None:
    """Record what was put: whichever way that came about, ministack calls this."""
    if joining := _JOINING.get():
        data = joining.content(data)
    version = original(bucket_name, key, prior_obj, obj, data)
    s3_storage.touch(bucket_name, key)
    return version
