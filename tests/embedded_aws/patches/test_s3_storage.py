"""Objects are on the disk when they are acknowledged: a kill at any moment loses none and leaves nothing half."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws import gateway
from tests.embedded_aws.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PLAIN, VERSIONED, LOCKED = BUCKETS = ("plain", "versioned", "locked")
MEGABYTE = 1024**2
LARGE = os.urandom(2 * MEGABYTE)
ODD_KEYS = ("a//b", "x/.", "../x", "k" * 1024, "ü/ñ 日本", "key", "key/sub", "spaces and +?&=%20", ".ministack-keys/x")
ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
ONE_TRY = Config(retries={"total_max_attempts": 1})
VOLATILE = {"ResponseMetadata", "NextUploadIdMarker"}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One for this module, with its buckets."""
    made = Home(tmp_path_factory.mktemp("objects"))
    s3 = made.client("s3")
    for bucket in BUCKETS:
        s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=bucket == LOCKED)
    s3.put_bucket_versioning(Bucket=VERSIONED, VersioningConfiguration={"Status": "Enabled"})
    yield made
    gateway.forget(made.home)


def files(aws: Home) -> set[str]:
    """The files and the rows in which contents lie."""
    lying = {each.name for each in (aws.home / "state" / "objects").iterdir()}
    with contextlib.closing(sqlite3.connect(aws.home / "state" / "state.db")) as database:
        return lying | {f"row {name}" for (name,) in database.execute("SELECT name FROM s3_contents")}


def upload(s3: Any, key: str, bodies: list[bytes]) -> dict[str, Any]:
    """Upload parts; what completes them."""
    address = {"Bucket": PLAIN, "Key": key}
    address["UploadId"] = s3.create_multipart_upload(
        **address, ChecksumAlgorithm="SHA256", ContentType="text/parts", Metadata={"of": "parts"}
    )["UploadId"]
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(**address, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    return {**address, "MultipartUpload": {"Parts": parts}}


def fill(s3: Any) -> dict[str, Any]:
    """Put objects of every kind; what completes an upload that was completed already."""
    for key in ODD_KEYS:
        about = {"Metadata": {"of": "key"}, "ContentType": "text/odd", "CacheControl": "no-store", "Tagging": "a=1&b=2"}
        s3.put_object(Bucket=PLAIN, Key=key, Body=key.encode(), ChecksumAlgorithm="SHA1", **about)
        for number in range(2):
            s3.put_object(Bucket=VERSIONED, Key=key, Body=f"{key} {number}", Tagging=f"number={number}")
    s3.put_object_tagging(Bucket=PLAIN, Key="key", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    s3.put_object(Bucket=PLAIN, Key="empty", Body=b"", WebsiteRedirectLocation="/elsewhere")
    s3.put_object(Bucket=PLAIN, Key="replaced", Body=LARGE)
    s3.put_object(Bucket=PLAIN, Key="replaced", Body=b"small", ServerSideEncryption="aws:kms")
    s3.put_object(Bucket=PLAIN, Key="deleted", Body=LARGE)
    s3.delete_objects(Bucket=PLAIN, Delete={"Objects": [{"Key": "deleted"}, {"Key": "never"}]})
    s3.delete_object(Bucket=VERSIONED, Key="key")
    gone = s3.put_object(Bucket=VERSIONED, Key="large", Body=LARGE)["VersionId"]
    s3.put_object(Bucket=VERSIONED, Key="large", Body=LARGE[::-1])
    s3.put_object(Bucket=VERSIONED, Key="large", Body=LARGE[1:])
    s3.delete_object(Bucket=VERSIONED, Key="large", VersionId=gone)
    s3.put_object(Bucket=PLAIN, Key="cold", Body=b"cold", StorageClass="GLACIER")
    s3.restore_object(Bucket=PLAIN, Key="cold", RestoreRequest={"Days": 1})
    s3.put_object(
        Bucket=LOCKED,
        Key="held",
        Body=b"held",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate="2099-01-01T00:00:00Z",
        ObjectLockLegalHoldStatus="ON",
    )
    completing = upload(s3, "in parts", [LARGE * 3, LARGE * 3, b"the end"])
    s3.complete_multipart_upload(**completing)
    s3.copy_object(Bucket=VERSIONED, Key="a copy", CopySource={"Bucket": PLAIN, "Key": "in parts"})
    unfinished = upload(s3, "unfinished", [LARGE * 3, b"small"])
    source = {"Bucket": PLAIN, "Key": "in parts"}
    address = {name: unfinished[name] for name in ("Bucket", "Key", "UploadId")}
    s3.upload_part_copy(**address, PartNumber=3, CopySource=source, CopySourceRange="bytes=6291450-6291460")
    s3.upload_part_copy(**address, PartNumber=4, CopySource={"Bucket": PLAIN, "Key": "key"})
    return completing


def told(function: Callable[..., Any], **asked: Any) -> Any:
    """What S3 answers, or how it refuses, without what is another with each answer."""
    try:
        answer = function(**asked)
    except ClientError as error:
        return str(error)
    if "Body" in answer:
        answer["Body"] = hashlib.sha256(answer["Body"].read()).hexdigest()
    return {name: value for name, value in answer.items() if name not in VOLATILE}


def everything(s3: Any) -> dict[Any, Any]:
    """All that S3 tells of all objects, versions and uploads."""
    found: dict[Any, Any] = {}
    for bucket in BUCKETS:
        listed = s3.list_object_versions(Bucket=bucket)
        found[bucket] = {name: value for name, value in listed.items() if name not in VOLATILE}
        found[bucket, "objects"] = told(s3.list_objects_v2, Bucket=bucket)
        for version in listed.get("Versions", []):
            address = {"Bucket": bucket, "Key": version["Key"]}
            if bucket != PLAIN:
                address["VersionId"] = version["VersionId"]
            found[bucket, version["Key"], version["VersionId"]] = [
                told(s3.get_object, **address, ChecksumMode="ENABLED"),
                told(s3.head_object, **address, ChecksumMode="ENABLED"),
                told(s3.get_object_attributes, **address, ObjectAttributes=ATTRIBUTES),
                told(s3.get_object_tagging, **address),
                told(s3.get_object_acl, **address),
                told(s3.get_object_retention, **address),
                told(s3.get_object_legal_hold, **address),
            ]
        found[bucket, "uploads"] = told(s3.list_multipart_uploads, Bucket=bucket)
        for each in found[bucket, "uploads"].get("Uploads", []):
            found[each["UploadId"]] = told(s3.list_parts, Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])
    return found


def test_everything_is_there_after_a_kill(aws: Home) -> None:
    """What was acknowledged is as it was: contents, what is said about them, versions, parts; nothing else is."""
    s3 = aws.client("s3")
    completing = fill(s3)
    time.sleep(2.1)  # until what was cold is restored
    before, lying = everything(s3), files(aws)
    assert len(before) > len(ODD_KEYS) * 3
    s3.put_object(Bucket=PLAIN, Key="last", Body=LARGE)
    aws.kill()
    s3 = aws.client("s3")
    assert s3.get_object(Bucket=PLAIN, Key="last")["Body"].read() == LARGE
    s3.delete_object(Bucket=PLAIN, Key="last")
    assert everything(s3) == before
    assert files(aws) == lying
    answer = s3.complete_multipart_upload(**completing)  # whoever did not get the answer asks again
    assert answer["ETag"] == s3.head_object(Bucket=PLAIN, Key="in parts")["ETag"]
    across = s3.get_object(Bucket=VERSIONED, Key="a copy", Range="bytes=6291450-6291460")["Body"].read()
    assert across == (LARGE * 4)[6291450:6291461]
    held = s3.list_object_versions(Bucket=LOCKED)["Versions"][0]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=LOCKED, Key="held", VersionId=held["VersionId"])


def test_what_is_overwritten_goes(aws: Home) -> None:
    """Contents that nothing names any more are few while it works, and gone after a kill."""
    s3 = aws.client("s3")
    s3.put_object(Bucket=PLAIN, Key="small", Body=b"0")
    s3.copy_object(Bucket=PLAIN, Key="copied", CopySource={"Bucket": PLAIN, "Key": "small"})
    lying = files(aws)
    for number in range(1, 150):
        s3.put_object(Bucket=PLAIN, Key="small", Body=b"%d" % number)
    assert len(files(aws) - lying) <= 64
    assert s3.get_object(Bucket=PLAIN, Key="copied")["Body"].read() == b"0"
    aws.kill()
    s3 = aws.client("s3")
    assert len(files(aws) - lying) == 1
    assert s3.get_object(Bucket=PLAIN, Key="copied")["Body"].read() == b"0"
    assert s3.get_object(Bucket=PLAIN, Key="small")["Body"].read() == b"149"
    s3.delete_objects(Bucket=PLAIN, Delete={"Objects": [{"Key": "small"}, {"Key": "copied"}]})


def test_a_completed_upload_is_known_for_a_day(aws: Home) -> None:
    """Until then it may be completed once more; what is older goes when another is completed."""
    s3 = aws.client("s3")
    first, second = (upload(s3, key, [b"all"]) for key in ("first", "second"))
    s3.complete_multipart_upload(**first)
    s3.complete_multipart_upload(**first)
    with contextlib.closing(sqlite3.connect(aws.home / "state" / "state.db")) as database, database:
        database.execute("UPDATE s3_completed SET at = at - 90000 WHERE upload = ?", (first["UploadId"],))
    s3.complete_multipart_upload(**second)
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.complete_multipart_upload(**first)
    s3.complete_multipart_upload(**second)


def body_of(number: int, size: int) -> bytes:
    """The content of the overwrite of that number."""
    return (b"%08d" % number) * (size // 8)


def test_killed_while_objects_are_overwritten(aws: Home) -> None:
    """Each object is the last that was acknowledged, or one after it, and whole."""
    sizes = {"over and over": 800, "over and over 2": 100_000, "over and over 3": 4 * MEGABYTE}
    acknowledged = dict.fromkeys([(bucket, key) for bucket in (PLAIN, VERSIONED) for key in sizes], -1)

    def overwrite(bucket: str, key: str) -> None:
        s3 = aws.client("s3", config=ONE_TRY)
        with contextlib.suppress(BotoCoreError, ClientError):
            for number in range(100_000):
                s3.put_object(Bucket=bucket, Key=key, Body=body_of(number, sizes[key]))
                acknowledged[bucket, key] = number

    threads = [threading.Thread(target=overwrite, args=each) for each in acknowledged]
    for each in threads:
        each.start()
    while min(acknowledged.values()) < 1:
        time.sleep(0.01)
    time.sleep(random.random() / 2)  # noqa: S311 - any moment
    os.kill(aws.running.pid, signal.SIGKILL)
    for each in threads:
        each.join()
    aws.begin()
    s3 = aws.client("s3")
    for (bucket, key), last in acknowledged.items():
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert last <= int(content[:8]) <= last + 1
        assert content == body_of(int(content[:8]), sizes[key])
        if bucket == VERSIONED:
            listed = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
            versions = [each for each in listed if each["Key"] == key]
            assert len(versions) == int(content[:8]) + 1
            oldest = s3.get_object(Bucket=bucket, Key=key, VersionId=versions[-1]["VersionId"])["Body"].read()
            assert oldest == body_of(0, sizes[key])


def test_what_can_not_be_written_changes_nothing(aws: Home) -> None:
    """An upload that the system does not take is an error of S3's; the object is what it was, and no file is left."""
    s3 = aws.client("s3", config=ONE_TRY)
    s3.put_object(Bucket=PLAIN, Key="steady", Body=b"as it was", Tagging="a=1")
    before, lying = told(s3.get_object, Bucket=PLAIN, Key="steady"), files(aws)
    process = psutil.Process(aws.running.pid)
    limits = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (12 * MEGABYTE, limits[1]))
    with pytest.raises(ClientError, match=r"InternalError.*can't read or write.*as it was"):
        s3.put_object(Bucket=PLAIN, Key="steady", Body=LARGE * 8)
    process.rlimit(psutil.RLIMIT_FSIZE, limits)
    assert told(s3.get_object, Bucket=PLAIN, Key="steady") == before
    assert files(aws) == lying


def test_content_that_somebody_has_removed(aws: Home) -> None:
    """A file that is gone is an error of S3's with a sentence; the object is still there to be put anew, or deleted."""
    s3 = aws.client("s3", config=ONE_TRY)
    before = files(aws)
    s3.put_object(Bucket=PLAIN, Key="removed", Body=LARGE)
    [name] = files(aws) - before
    (aws.home / "state" / "objects" / name).unlink()
    with pytest.raises(ClientError, match=r"InternalError.*can't read or write .*objects"):
        s3.get_object(Bucket=PLAIN, Key="removed")
    s3.put_object(Bucket=PLAIN, Key="removed", Body=LARGE)
    assert s3.get_object(Bucket=PLAIN, Key="removed")["Body"].read() == LARGE
    s3.delete_object(Bucket=PLAIN, Key="removed")


def test_what_is_refused_changes_nothing(aws: Home) -> None:
    """A put that is refused after all leaves the object as it was."""
    s3 = aws.client("s3", config=ONE_TRY)
    s3.put_object(Bucket=PLAIN, Key="refusing", Body=b"as it was")
    with pytest.raises(ClientError, match="tags"):
        s3.put_object(Bucket=PLAIN, Key="refusing", Body=b"other", Tagging="&".join(f"t{n}=1" for n in range(11)))
    assert s3.get_object(Bucket=PLAIN, Key="refusing")["Body"].read() == b"as it was"


def test_a_bucket_made_anew_is_empty(aws: Home) -> None:
    """Nothing of a bucket that was deleted, by S3 or with its stack, comes back in one of the same name."""
    s3, cloudformation = aws.client("s3"), aws.client("cloudformation")
    template = '{"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "anew"}}}}'
    cloudformation.create_stack(StackName="anew", TemplateBody=template)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="anew", WaiterConfig={"Delay": 1})
    s3.create_multipart_upload(Bucket="anew", Key="unfinished")
    cloudformation.delete_stack(StackName="anew")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="anew", WaiterConfig={"Delay": 1})
    s3.create_bucket(Bucket="anew")
    assert not s3.list_multipart_uploads(Bucket="anew").get("Uploads")
    s3.delete_bucket(Bucket="anew")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MB, where one can be made."""
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=48m", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if not made or made.returncode:
        pytest.skip("no file system can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    """It is told in a sentence and once; what was there stays, and deleting makes room."""
    aws = Home(small_disk)
    try:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket=PLAIN)
        s3.put_object(Bucket=PLAIN, Key="steady", Body=b"as it was")
        s3.put_object(Bucket=PLAIN, Key="first", Body=LARGE * 8)
        for key, body in (("steady", LARGE * 20), ("second", LARGE * 20)):
            with pytest.raises(ClientError, match=r"InsufficientStorage.*The disk under .* is full") as refused:
                s3.put_object(Bucket=PLAIN, Key=key, Body=body)
            assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0
        assert s3.get_object(Bucket=PLAIN, Key="steady")["Body"].read() == b"as it was"
        assert len(files(aws)) == 2
        assert [each["Key"] for each in s3.list_objects_v2(Bucket=PLAIN)["Contents"]] == ["first", "steady"]
        s3.delete_object(Bucket=PLAIN, Key="first")
        s3.put_object(Bucket=PLAIN, Key="second", Body=LARGE * 8)
    finally:
        gateway.forget(small_disk)
