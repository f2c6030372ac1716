"""What S3's handlers, and ministack's other services, are given as the content of an object.

A client's own request is given a large one as a Content, of which it is sent piece by piece; whoever else asks has
bytes, whole, as ministack has it.
"""

from __future__ import annotations

import tempfile
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ministack.services import glue, s3

from embedded_aws.patches.patching import Patches
from embedded_aws.storage.contents import Content

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.storage.checksums import Hashes
    from embedded_aws.storage.contents import Piece

    Record = dict[str, Any]

LARGE_BYTES = 1024**2
"""What is larger is never in memory whole, as far as a client's own requests go."""

_REQUEST: ContextVar[Request | None] = ContextVar("request", default=None)

patches = Patches()


def apply() -> None:
    """Give contents so."""
    patches.apply()


class Request:
    """A client's request. Threads that it has started may go on in its context when it is over."""

    def __init__(self) -> None:
        self.hashed: dict[tuple[Piece, ...], Hashes] = {}
        """Hashes that were made for it, by the pieces of a content."""
        self.is_over = False

    def __enter__(self) -> Self:
        self._token = _REQUEST.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        _REQUEST.reset(self._token)


def request() -> Request | None:
    """Return the client's request at hand, whose handlers are given large contents as a Content."""
    found = _REQUEST.get()
    return found if found and not found.is_over else None


@patches.replaces(s3._read_body)
def _read_body(bucket_name: str, key: str, obj: Record) -> Any:
    return _body(obj.get("body"))


@patches.replaces(s3._version_body)
def _version_body(bucket: Record, bucket_name: str, key: str, v: Record) -> Any:
    return None if v.get("data") is None else _body(v["data"])


def _body(kept: Any) -> Any:
    """Return what is to be given for a content: a large one as it is to who can deal with it, else bytes."""
    if not isinstance(kept, Content):
        return kept
    return kept if kept.size > LARGE_BYTES and request() else kept.read()


@patches.wraps(s3._get_object_data)
def _get_object_data(
    original: Callable[[str, str, str | None], Any], bucket_name: str, key: str, version_id: str | None = None
) -> bytes | None:
    """Give other services bytes, always."""
    found = original(bucket_name, key, version_id)
    return found.read() if isinstance(found, Content) else found


@patches.wraps(glue._resolve_script)
def _resolve_script(original: Callable[[str], str | None], script_location: str) -> str | None:
    """Give Glue a job's script in a file; it looks for bytes in S3's memory."""
    bucket, _, key = str(script_location or "").removeprefix("s3://").partition("/")
    script = s3._get_object_data(bucket, key) if key else None
    if script is None:
        return original(script_location)
    with tempfile.NamedTemporaryFile(suffix=Path(key).name, delete=False) as file:
        file.write(script)
    return file.name
