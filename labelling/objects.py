"""Objects in S3 that several people may write at the same moment, of which nobody's part gets lost.

Sources: S3's user guide, "How to prevent object overwrites with conditional writes", and PutObject's IfMatch and
IfNoneMatch in botocore's model: 412 PreconditionFailed if the object is another one, 409 ConditionalRequestConflict if
somebody writes just then, and 404 NoSuchKey for IfMatch where there is none any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from labelling.errors import LabellingError

if TYPE_CHECKING:
    from collections.abc import Callable

_OTHERS = {"ConditionalRequestConflict", "NoSuchKey", "PreconditionFailed"}  # somebody else was first
_TRIES = 20  # each that fails is somebody else's that has not


def read(s3: Any, bucket: str, key: str) -> bytes | None:
    """Return an object's content; None if there is no such object."""
    content, _ = _read(s3, bucket, key)
    return content


def put_if_absent(s3: Any, bucket: str, key: str, content: bytes) -> None:
    """Write an object unless it is there, or somebody else writes it at the same moment."""
    _put(s3, bucket, key, content, IfNoneMatch="*")


def change(s3: Any, bucket: str, key: str, changed: Callable[[bytes | None], bytes | None]) -> bool:
    """Write what `changed` makes of an object's content, of None where there is none; return whether it was changed.

    If it answers None, all is as it should be. Who meets somebody else's change makes their own of that anew. Raises
    LabellingError if that goes on and on.
    """
    for _ in range(_TRIES):
        before, condition = _read(s3, bucket, key)
        content = changed(before)
        if content is None:
            return False
        if _put(s3, bucket, key, content, **condition):
            return True
    raise LabellingError(f"Others change s3://{bucket}/{key} all the time: run the same command again in a minute.")


def _read(s3: Any, bucket: str, key: str) -> tuple[bytes | None, dict[str, str]]:
    """Return an object's content, and the condition under which it is still that."""
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None, {"IfNoneMatch": "*"}
        raise
    return bytes(found["Body"].read()), {"IfMatch": found["ETag"]}


def _put(s3: Any, bucket: str, key: str, content: bytes, **condition: str) -> bool:
    """Write an object under a condition; return False if somebody else was first."""
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=content, **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] in _OTHERS:
            return False
        raise
    return True
