"""Copies objects to their keys in the lab's bucket, and empties the bucket, or one prefix of it, with the stack.

Properties: Bucket; Objects, a list of {Key, SourceBucket, SourceKey}; Prefix, below which it empties, all if it is not
given; ModelPackageGroup, whose versions go with the bucket that their artifacts are in, if there is one: CloudFormation
knows the newest version only, and can't delete the group before the others have gone.

All work is done in `is_complete`, and emptying ends before CloudFormation's hour. If `on_event` raised during a Create,
CDK's provider framework would answer the Delete that follows by itself, and the half-filled bucket would stay.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from teardown import buckets, clients, model_versions, refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CopySourceTypeDef

# One call's share of emptying; the framework asks again. The function's timeout is 15 minutes.
POLL_SECONDS = 45.0
_LONGEST_SECONDS = 3240.0
_COPY = {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"}  # copying tags would need their permission

Event = dict[str, Any]


def _sagemaker() -> Any:
    """Return a client when it is needed: it takes long to make."""
    return clients.client("sagemaker")


class BucketContents:
    """The custom resource, with its S3 client and its clock."""

    def __init__(
        self,
        s3: S3Client,
        *,
        sagemaker: Callable[[], Any] = _sagemaker,
        now: Callable[[], float] = time.time,  # one call tells it to the next, which may be on another machine
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._s3 = s3
        self._sagemaker = sagemaker
        self._now = now
        self._sleep = sleep

    def on_event(self, event: Event) -> Event:
        """Name the resource after its bucket and prefix: others are another resource, and the old one is deleted.

        What it returns besides is told to `is_complete`.
        """
        if event["RequestType"] == "Delete":
            return {"PhysicalResourceId": event["PhysicalResourceId"], "Since": self._now()}
        bucket, prefix = _bucket_and_prefix(event)
        return {"PhysicalResourceId": f"{bucket}/{prefix}" if prefix else bucket}

    def is_complete(self, event: Event) -> dict[str, bool]:
        """Do the work, or the share of it that one call has time for."""
        bucket, prefix = _bucket_and_prefix(event)
        try:
            if event["RequestType"] == "Delete":
                empty = buckets.empty(self._s3, bucket, prefix, seconds=POLL_SECONDS, now=self._now, sleep=self._sleep)
                if not empty and self._now() - event.get("Since", self._now()) > _LONGEST_SECONDS:
                    raise buckets.ContentsError(
                        f"Bucket {bucket} is not empty after {_LONGEST_SECONDS / 60:.0f} minutes: delete the stack "
                        "again, and it goes on."
                    )
                group = event["ResourceProperties"].get("ModelPackageGroup")
                return {"IsComplete": empty and (not group or model_versions.delete(self._sagemaker(), group))}
            self._fill(event)
        except (BotoCoreError, ClientError) as error:
            if refusals.is_passing(error):
                return {"IsComplete": False}
            raise buckets.ContentsError(f"The contents of bucket {bucket}: {error}") from error
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


def _bucket_and_prefix(event: Event) -> tuple[str, str]:
    """Return the bucket and the prefix that the resource stands for."""
    properties = event["ResourceProperties"]
    return properties["Bucket"], properties.get("Prefix", "")


@cache
def resource() -> BucketContents:
    """Return the resource with a client of its own, made once an execution environment."""
    return BucketContents(clients.client("s3"))


def on_event(event: Event, _context: object) -> Event:
    """Entry point of the Lambda function that CDK's provider framework calls first."""
    return resource().on_event(event)


def is_complete(event: Event, _context: object) -> dict[str, bool]:
    """Entry point of the Lambda function that CDK's provider framework calls until it answers yes."""
    return resource().is_complete(event)
