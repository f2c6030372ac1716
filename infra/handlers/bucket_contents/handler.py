"""Copies objects to their keys in the lab's bucket, and empties the bucket, or one prefix of it, with the stack.

Properties: Bucket; Objects, a list of {Key, SourceBucket, SourceKey}; Prefix, below which it empties, all if it is not
given.

All work is done in `is_complete`, and emptying ends before CloudFormation's hour. If `on_event` raised during a Create,
CDK's provider framework would answer the Delete that follows by itself, and the half-filled bucket would stay.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CopySourceTypeDef

# One call's share of emptying; the framework asks again. The function's timeout is 15 minutes.
POLL_SECONDS = 45.0
_LONGEST_SECONDS = 3240.0
# What DeleteObjects answers for a key that the next round may well delete. Source: S3's list of error codes.
_PASSING = {"InternalError", "OperationAborted", "ServiceUnavailable", "SlowDown"}
_COPY = {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"}  # copying tags would need their permission

Event = dict[str, Any]


class ContentsError(Exception):
    """The bucket could not be filled or emptied; the message goes to the stack's events."""


class BucketContents:
    """The custom resource, told its S3 client and its clock."""

    def __init__(
        self,
        s3: S3Client,
        *,
        now: Callable[[], float] = time.time,  # one call tells it to the next, which may be on another machine
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._s3 = s3
        self._now = now
        self._sleep = sleep

    def on_event(self, event: Event) -> Event:
        """The resource is its bucket and prefix: others are another resource, and the old one is deleted.

        What it answers besides is told to `is_complete`.
        """
        if event["RequestType"] == "Delete":
            return {"PhysicalResourceId": event["PhysicalResourceId"], "Since": self._now()}
        bucket, prefix = _place(event)
        return {"PhysicalResourceId": f"{bucket}/{prefix}" if prefix else bucket}

    def is_complete(self, event: Event) -> dict[str, bool]:
        """Do the work, or the share of it that one call has time for."""
        bucket, prefix = _place(event)
        try:
            if event["RequestType"] == "Delete":
                empty = self._empty(bucket, prefix)
                if not empty and self._now() - event.get("Since", self._now()) > _LONGEST_SECONDS:
                    raise ContentsError(
                        f"Bucket {bucket} is not empty after {_LONGEST_SECONDS / 60:.0f} minutes: delete the stack "
                        "again, and it goes on."
                    )
                return {"IsComplete": empty}
            self._fill(event)
        except (BotoCoreError, ClientError) as error:
            raise ContentsError(f"The contents of bucket {bucket}: {error}") from error
        return {"IsComplete": True}

    def _fill(self, event: Event) -> None:
        new, old = event["ResourceProperties"], event.get("OldResourceProperties", {})
        for item in new["Objects"]:
            source: CopySourceTypeDef = {"Bucket": item["SourceBucket"], "Key": item["SourceKey"]}
            self._s3.copy(source, new["Bucket"], item["Key"], ExtraArgs=_COPY)
        if old.get("Bucket") == new["Bucket"]:
            kept = {item["Key"] for item in new["Objects"]}
            for key in sorted({item["Key"] for item in old["Objects"]} - kept):
                self._s3.delete_object(Bucket=new["Bucket"], Key=key)

    def _empty(self, bucket: str, prefix: str) -> bool:
        """Delete until nothing is listed any more; false if there is more than this call has time for."""
        deadline = self._now() + POLL_SECONDS
        try:
            while found := list(self._first_versions(bucket, prefix)):
                self._delete(bucket, found)
                if self._now() > deadline:
                    return False
            self._abort_uploads(bucket, prefix)
        except self._s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
        return True

    def _first_versions(self, bucket: str, prefix: str) -> Iterator[dict[str, str]]:
        page = self._s3.list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=1000)
        for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}

    def _delete(self, bucket: str, found: list[dict[str, str]]) -> None:
        answer = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})  # type: ignore[typeddict-item]
        errors = answer.get("Errors", [])
        lasting = [error for error in errors if error.get("Code") not in _PASSING]
        if lasting:
            first = lasting[0]
            raise ContentsError(
                f"Bucket {bucket} could not be emptied: {len(lasting)} of {len(found)} deletions were refused, the "
                f"first for {first.get('Key')}: {first.get('Code')}: {first.get('Message')}. Delete what is left, then "
                "delete the stack again."
            )
        if errors:
            self._sleep(1)

    def _abort_uploads(self, bucket: str, prefix: str) -> None:
        while uploads := self._s3.list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads", []):
            for upload in uploads:
                self._s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


def _place(event: Event) -> tuple[str, str]:
    """Bucket and prefix that the resource stands for."""
    properties = event["ResourceProperties"]
    return properties["Bucket"], properties.get("Prefix", "")


@cache
def resource() -> BucketContents:
    """The resource with a client of its own, made once an execution environment."""
    return BucketContents(boto3.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 10})))


def on_event(event: Event, _context: object) -> Event:
    """Entry point of the Lambda function that CDK's provider framework calls first."""
    return resource().on_event(event)


def is_complete(event: Event, _context: object) -> dict[str, bool]:
    """Entry point of the Lambda function that CDK's provider framework calls until it answers yes."""
    return resource().is_complete(event)
