"""The bucket's handler, driven with CloudFormation's events; S3 answers as botocore's stub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from infra.handlers.bucket_contents.handler import BucketContents

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

    from tests.infra.conftest import Clock


def properties(*keys: str, bucket: str = "lab") -> dict[str, Any]:
    """The resource's properties with these keys in the bucket."""
    objects = [{"Key": key, "SourceBucket": "assets", "SourceKey": f"hash-of-{key}"} for key in keys]
    return {"ServiceToken": "arn", "Bucket": bucket, "Objects": objects}


class Driver:
    """A handler with a stubbed client, and CloudFormation's events for it."""

    def __init__(self, session: boto3.Session, clock: Clock) -> None:
        self.client = session.client("s3")
        self.s3 = Stubber(self.client)
        self.clock = clock
        self.on_sagemaker = session.client("sagemaker")
        self.sagemaker = Stubber(self.on_sagemaker)
        self.handler = BucketContents(
            self.client, sagemaker=lambda: self.on_sagemaker, now=clock.now, sleep=clock.sleep
        )

    def copied(self, key: str) -> None:
        """Expect an object to be copied, which S3's transfer begins with a look at the source."""
        source = {"Bucket": "assets", "Key": f"hash-of-{key}"}
        self.s3.add_response("head_object", {"ContentLength": 1, "ETag": "x"}, source)
        expected = {
            "Bucket": "lab",
            "Key": key,
            "CopySource": source,
            "MetadataDirective": "REPLACE",
            "TaggingDirective": "REPLACE",
        }
        self.s3.add_response("copy_object", {}, expected)

    def versions(self, *keys: str, markers: tuple[str, ...] = (), prefix: str = "") -> None:
        """Expect a listing; answer these versions and delete markers."""
        answer = {
            "Versions": [{"Key": key, "VersionId": "1"} for key in keys],
            "DeleteMarkers": [{"Key": key, "VersionId": "2"} for key in markers],
        }
        self.s3.add_response("list_object_versions", answer, {"Bucket": "lab", "Prefix": prefix, "MaxKeys": 1000})

    def deleted(self, *entries: tuple[str, str], errors: tuple[tuple[str, str], ...] = ()) -> None:
        """Expect these versions to be deleted; answer these errors."""
        expected = {
            "Bucket": "lab",
            "Delete": {"Objects": [{"Key": key, "VersionId": version} for key, version in entries], "Quiet": True},
        }
        answer = {"Errors": [{"Key": key, "Code": code, "Message": "as it says"} for key, code in errors]}
        self.s3.add_response("delete_objects", answer, expected)

    def uploads(self, *keys: str, prefix: str = "") -> None:
        """Expect a look at the multipart uploads; answer these."""
        answer = {"Uploads": [{"Key": key, "UploadId": "u"} for key in keys]}
        self.s3.add_response("list_multipart_uploads", answer, {"Bucket": "lab", "Prefix": prefix})

    def is_complete(self, kind: str, new: dict[str, Any], **more: Any) -> dict[str, bool]:
        """What the handler answers when it is asked."""
        event = {"RequestType": kind, "PhysicalResourceId": "lab", "ResourceProperties": new, **more}
        return dict(self.handler.is_complete(event))


@pytest.fixture
def driver(session: boto3.Session, clock: Clock) -> Iterator[Driver]:
    """A driver whose every expected call has been made when the test ends."""
    driver = Driver(session, clock)
    with driver.s3, driver.sagemaker:
        yield driver
        driver.s3.assert_no_pending_responses()
        driver.sagemaker.assert_no_pending_responses()


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_the_resource_is_its_bucket(driver: Driver, kind: str) -> None:
    """The first call touches nothing: if it raised, the Delete that follows would never come here."""
    event = {"RequestType": kind, "ResourceProperties": properties("data/a")}
    assert driver.handler.on_event(event) == {"PhysicalResourceId": "lab"}


def test_a_delete_keeps_its_physical_id(driver: Driver) -> None:
    """CDK's framework refuses another one."""
    event = {"RequestType": "Delete", "PhysicalResourceId": "invented", "ResourceProperties": properties()}
    assert driver.handler.on_event(event) == {"PhysicalResourceId": "invented", "Since": 0}


def test_create_copies_every_file(driver: Driver) -> None:
    """Each asset gets to its key."""
    driver.copied("data/a")
    driver.copied("notebooks/b")
    assert driver.is_complete("Create", properties("data/a", "notebooks/b")) == {"IsComplete": True}


def test_update_removes_what_is_no_longer_listed(driver: Driver) -> None:
    """A file that a release dropped goes from the bucket; nothing else does."""
    driver.copied("data/a")
    driver.s3.add_response("delete_object", {}, {"Bucket": "lab", "Key": "data/old"})
    old = properties("data/a", "data/old")
    assert driver.is_complete("Update", properties("data/a"), OldResourceProperties=old)["IsComplete"]


def test_another_bucket_is_left_alone_by_update(driver: Driver) -> None:
    """The old bucket's own Delete empties it."""
    driver.copied("data/a")
    old = properties("data/old", bucket="before")
    assert driver.is_complete("Update", properties("data/a"), OldResourceProperties=old)["IsComplete"]


def test_a_missing_asset_is_told(driver: Driver) -> None:
    """What S3 says reaches the user, with the bucket's name."""
    driver.s3.add_client_error("head_object", "404", "Not Found")
    with pytest.raises(Exception, match=r"The contents of bucket lab: .*Not Found"):
        driver.is_complete("Create", properties("data/a"))


def test_delete_empties_to_the_last_version(driver: Driver) -> None:
    """Versions, delete markers and unfinished uploads all go, and it looks again until nothing is listed."""
    driver.versions("a", "b", markers=("a",))
    driver.deleted(("a", "1"), ("b", "1"), ("a", "2"))
    driver.versions("late")
    driver.deleted(("late", "1"))
    driver.versions()
    driver.uploads("big")
    driver.s3.add_response("abort_multipart_upload", {}, {"Bucket": "lab", "Key": "big", "UploadId": "u"})
    driver.uploads()
    assert driver.is_complete("Delete", properties()) == {"IsComplete": True}


def test_a_refused_deletion_is_an_error(driver: Driver) -> None:
    """DeleteObjects answers 200 with errors in it, which must not pass for success."""
    driver.versions("a", "b")
    driver.deleted(("a", "1"), ("b", "1"), errors=(("b", "AccessDenied"),))
    with pytest.raises(Exception, match="1 of 2 deletions were refused, the first for b: AccessDenied: as it says"):
        driver.is_complete("Delete", properties())


def test_a_busy_bucket_is_tried_again(driver: Driver) -> None:
    """SlowDown is no refusal."""
    driver.versions("a")
    driver.deleted(("a", "1"), errors=(("a", "SlowDown"),))
    driver.versions("a")
    driver.deleted(("a", "1"))
    driver.versions()
    driver.uploads()
    assert driver.is_complete("Delete", properties()) == {"IsComplete": True}
    assert driver.clock.time == 1


def test_a_large_bucket_takes_several_calls(driver: Driver) -> None:
    """One call ends after its share, and the framework asks again."""
    for _ in range(46):
        driver.versions("a")
        driver.deleted(("a", "1"), errors=(("a", "SlowDown"),))
    assert driver.is_complete("Delete", properties()) == {"IsComplete": False}


def test_emptying_ends_before_cloudformation_s_hour(driver: Driver) -> None:
    """The sentence says that the next Delete goes on; what `on_event` told is when this one began."""
    for _ in range(46):
        driver.versions("a")
        driver.deleted(("a", "1"), errors=(("a", "SlowDown"),))
    driver.clock.time = 3200
    with pytest.raises(Exception, match="Bucket lab is not empty after 54 minutes: delete the stack again"):
        driver.is_complete("Delete", properties(), Since=0)


def test_a_bucket_that_is_gone_is_empty(driver: Driver) -> None:
    """Deleting twice is fine."""
    driver.s3.add_client_error("list_object_versions", "NoSuchBucket")
    assert driver.is_complete("Delete", properties()) == {"IsComplete": True}


def test_a_listing_that_is_refused_is_told(driver: Driver) -> None:
    """Another error than a missing bucket does not pass for an empty one."""
    driver.s3.add_client_error(
        "list_object_versions", "AccessDenied", "no", expected_params={"Bucket": ANY, "Prefix": ANY, "MaxKeys": ANY}
    )
    with pytest.raises(Exception, match=r"The contents of bucket lab: .*AccessDenied"):
        driver.is_complete("Delete", properties())


def test_a_prefix_is_a_resource_of_its_own(driver: Driver) -> None:
    """A seat's resource is its bucket and prefix, so that CloudFormation never takes one for another's."""
    event = {"RequestType": "Create", "ResourceProperties": {**properties(), "Prefix": "seats/ada/"}}
    assert driver.handler.on_event(event) == {"PhysicalResourceId": "lab/seats/ada/"}


def test_delete_empties_a_prefix_and_nothing_else(driver: Driver) -> None:
    """What lies outside of the prefix is not even listed."""
    driver.versions("seats/ada/one", prefix="seats/ada/")
    driver.deleted(("seats/ada/one", "1"))
    driver.versions(prefix="seats/ada/")
    driver.uploads(prefix="seats/ada/")
    with driver.s3:
        assert driver.is_complete("Delete", {**properties(), "Prefix": "seats/ada/"}) == {"IsComplete": True}
    driver.s3.assert_no_pending_responses()


def test_the_versions_of_the_model_go_with_the_bucket(driver: Driver) -> None:
    """All of the group's, and it looks again until none is listed: SageMaker deletes no group before."""
    version = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/lab/1"
    listed = {"ModelPackageArn": version, "ModelPackageStatus": "Completed", "CreationTime": 0}
    asked = {"ModelPackageGroupName": "lab"}
    for found in ([listed], []):
        driver.versions()
        driver.uploads()
        driver.sagemaker.add_response("list_model_packages", {"ModelPackageSummaryList": found}, asked)
        if found:
            driver.sagemaker.add_response("delete_model_package", {}, {"ModelPackageName": version})
        deleting = driver.is_complete("Delete", {**properties(), "ModelPackageGroup": "lab"})
        assert deleting == {"IsComplete": not found}
