"""The bucket's function is killed at each call, loses each answer, is throttled: nothing is lost, and nothing left."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from infra.handlers.bucket_contents import prefix
from infra.handlers.bucket_contents.handler import BucketContents
from tests.infra.custom_resources import Stack, at_every_call, directly, each_fault, in_framework, then_deleted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faulty import Fault
    from tests.infra.custom_resources import Client

pytestmark = pytest.mark.usefixtures("no_backoff")
ASSETS, CONTENTS = "faults-assets", "faults-contents"
LARGE = 9_000_000  # bytes, that S3's transfer copies in parts


def contents(*keys: str, of: str = "") -> dict[str, Any]:
    """The properties of what fills the bucket, or a prefix of it."""
    objects = [{"Key": f"{of}{key}", "SourceBucket": ASSETS, "SourceKey": key} for key in keys]
    return {"Bucket": CONTENTS, "Objects": objects, **({"Prefix": of} if of else {})}


class Contents:
    """A bucket that stacks fill and empty."""

    def __init__(self, client: Client, patient: Client) -> None:
        self._patient = patient
        self.s3 = client("s3")
        for bucket in (ASSETS, CONTENTS):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=CONTENTS, VersioningConfiguration={"Status": "Enabled"})
        for key, size in (("a", 1), ("b", 1), ("large", LARGE)):
            self.s3.put_object(Bucket=ASSETS, Key=key, Body=bytes(size))

    def stack(self) -> Stack:
        """One that fills all of it."""
        return Stack(self._patient, partial(in_framework, lambda client: BucketContents(client("s3"))))

    def seat(self) -> Stack:
        """One that fills a prefix of it."""

        def work(client: Client, event: dict[str, Any]) -> dict[str, Any]:
            return prefix.work(event, BucketContents(client("s3")), remaining=lambda: 900_000)

        return Stack(self._patient, partial(directly, work))

    def keys(self, of: str = "") -> set[str]:
        """What lies there."""
        found = self.s3.list_objects_v2(Bucket=CONTENTS, Prefix=of).get("Contents", ())
        return {each["Key"].removeprefix(of) for each in found}

    def left(self) -> list[Any]:
        """Versions, delete markers and unfinished uploads."""
        versions = self.s3.list_object_versions(Bucket=CONTENTS)
        uploads = self.s3.list_multipart_uploads(Bucket=CONTENTS).get("Uploads", [])
        return [*versions.get("Versions", ()), *versions.get("DeleteMarkers", ()), *uploads]


@pytest.fixture(scope="module")
def bucket(client: Client, patient: Client) -> Contents:
    """A bucket with versions, and one with what is copied to it."""
    return Contents(client, patient)


@pytest.mark.parametrize(("of", "points"), [("", 10), ("seats/ada/", 10)], ids=["bucket", "prefix"])
def test_a_bucket_whose_filling_is_killed_is_emptied(bucket: Contents, of: str, points: int) -> None:
    """Neither versions nor parts of what was copied are left, though nobody answered for it."""
    begin = bucket.seat if of else bucket.stack

    def check() -> None:
        assert not bucket.left()

    wanted = contents("a", "large", of=of)
    assert at_every_call(begin, lambda stack, fault: then_deleted(stack, stack.deploy(wanted, fault)), check) == points


def test_a_bucket_whose_update_is_killed_has_what_it_had(bucket: Contents) -> None:
    """The roll-back copies it anew; the next update brings what is new and takes away what is not wanted any more."""
    stack = bucket.stack()
    stack.deploy(contents("a", "b"))

    def begin() -> Stack:
        stack.deploy(contents("a", "b"))
        return stack

    def check() -> None:
        assert bucket.keys() >= {"a", "b"}

    assert at_every_call(begin, lambda stack, fault: stack.deploy(contents("b", "large"), fault), check) == 12
    assert bucket.keys() == {"b", "large"}
    stack.delete()
    assert not bucket.left()


def test_a_bucket_whose_emptying_is_killed_is_emptied_by_the_next(bucket: Contents) -> None:
    """Uploads that nobody has finished among it."""

    def begin() -> Stack:
        stack = bucket.stack()
        stack.deploy(contents("a", "b"))
        bucket.s3.create_multipart_upload(Bucket=CONTENTS, Key="unfinished")
        begun[:] = [stack]
        return stack

    def check() -> None:
        begun[0].delete()
        assert not bucket.left()

    begun: list[Stack] = []
    assert at_every_call(begin, lambda stack, fault: stack.delete(fault), check) == 4


@each_fault
@pytest.mark.parametrize("of", ["", "seats/ada/"], ids=["bucket", "prefix"])
def test_a_bucket_bears_what_aws_does(bucket: Contents, of: str, fault: Callable[[], Fault]) -> None:
    """Filled, filled otherwise, emptied."""
    stack = (bucket.seat if of else bucket.stack)()
    stack.deploy(contents("a", "large", of=of), fault())
    assert bucket.keys(of) == {"a", "large"}
    stack.deploy(contents("b", of=of), fault())
    assert bucket.keys(of) == {"b"}
    bucket.s3.create_multipart_upload(Bucket=CONTENTS, Key=f"{of}unfinished")
    stack.delete(fault())
    assert not bucket.left()
