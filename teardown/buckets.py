"""Emptying of buckets: every version, delete marker and unfinished upload, of all of one or below a prefix."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from teardown import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_s3 import S3Client

# What DeleteObjects answers for a key that the next round may well delete. Source: S3's list of error codes.
_PASSING = {"InternalError", "OperationAborted", "ServiceUnavailable", "SlowDown"}


class ContentsError(Exception):
    """The bucket could not be filled or emptied; the message goes to the stack's events."""


def empty(
    s3: S3Client,
    bucket: str,
    prefix: str = "",
    *,
    seconds: float = math.inf,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Delete until nothing is listed any more; return False if there is more than these seconds had time for.

    Raises ContentsError, or AWS's error as it is if the same call may do later.
    """
    deadline = now() + seconds
    try:
        while found := list(_first_versions(s3, bucket, prefix)):
            if _delete(s3, bucket, found):
                sleep(1)
            if now() > deadline:
                return False
        _abort_uploads(s3, bucket, prefix)
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "NoSuchBucket":
            return True
        if refusals.is_passing(error):
            raise
        raise ContentsError(f"The contents of bucket {bucket}: {error}") from error
    return True


def _first_versions(s3: S3Client, bucket: str, prefix: str) -> Iterator[dict[str, str]]:
    page = s3.list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=1000)
    for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
        yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}


def _delete(s3: S3Client, bucket: str, found: list[dict[str, str]]) -> bool:
    """Delete these versions; return whether S3 has put some of them off. Raises ContentsError for what it refuses."""
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})  # type: ignore[typeddict-item]
    errors = answer.get("Errors", [])
    lasting = [error for error in errors if error.get("Code") not in _PASSING]
    if lasting:
        first = lasting[0]
        raise ContentsError(
            f"Bucket {bucket} could not be emptied: {len(lasting)} of {len(found)} deletions were refused, the "
            f"first for {first.get('Key')}: {first.get('Code')}: {first.get('Message')}. Delete what is left, then "
            "delete the stack again."
        )
    return bool(errors)


def _abort_uploads(s3: S3Client, bucket: str, prefix: str) -> None:
    while uploads := s3.list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads", []):
        for upload in uploads:
            with contextlib.suppress(s3.exceptions.NoSuchUpload):  # it is done: the answer got lost
                s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
