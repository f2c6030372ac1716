"""Large objects: they come back as they were put, with the right hashes, and nobody waits for them."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import threading
import time
import urllib.request
import zlib
from typing import TYPE_CHECKING, Any

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUCKET = "large-objects"
MEGABYTE = 1024**2
PART = 5 * MEGABYTE
BODY = bytes(range(256)) * 4096 * 24 + b"end"  # a little over 24 MiB


@pytest.fixture(scope="module")
def s3(client: Callable[[str], Any]) -> Any:
    """S3 with a bucket."""
    made = client("s3")
    made.create_bucket(Bucket=BUCKET)
    return made


@pytest.fixture(scope="module")
def hasty(embedded: gateway.Gateway) -> Any:
    """S3 by a client that tries once; the others try again what a checksum has refused, for seconds."""
    session: Any = boto3.Session("test", "test", region_name=gateway.REGION)
    return session.client("s3", endpoint_url=embedded.url, config=Config(retries={"total_max_attempts": 1}))


def read(s3: Any, key: str) -> bytes:
    """An object's content."""
    content: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return content


@pytest.mark.parametrize("size", [0, 1, MEGABYTE - 1, MEGABYTE, MEGABYTE + 1, len(BODY)])
def test_what_is_put_is_got(s3: Any, size: int) -> None:
    """Content and ETag are right on both sides of what counts as large."""
    body = BODY[:size]
    answer = s3.put_object(Bucket=BUCKET, Key="put", Body=body)
    assert answer["ETag"].strip('"') == hashlib.md5(body, usedforsecurity=False).hexdigest()
    assert read(s3, "put") == body


def test_in_frames(s3: Any, embedded: gateway.Gateway) -> None:
    """What an SDK sends in aws-chunked frames with a checksum at their end is put without the frames."""
    checksum = base64.b64encode(struct.pack(">I", zlib.crc32(BODY))).decode()
    frames = [BODY[begin : begin + 65_536] for begin in range(0, len(BODY), 65_536)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in frames)
    framed += b"0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % checksum.encode()
    session = boto3.Session("test", "test", region_name=gateway.REGION)
    framing = session.client(
        "s3", endpoint_url=embedded.url, config=Config(request_checksum_calculation="when_required")
    )
    headers = {
        "Content-Encoding": "aws-chunked",
        "X-Amz-Trailer": "x-amz-checksum-crc32",
        "X-Amz-Decoded-Content-Length": str(len(BODY)),
    }

    def add(request: Any, **_: Any) -> None:
        for name, value in headers.items():
            request.headers[name] = value

    framing.meta.events.register("before-sign.s3.PutObject", add)
    framing.put_object(Bucket=BUCKET, Key="framed", Body=framed)
    assert read(s3, "framed") == BODY
    head = s3.head_object(Bucket=BUCKET, Key="framed", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == checksum


def test_by_a_signed_url(s3: Any) -> None:
    """What is put without an SDK, by a program that calls everything a form, is put as it is."""
    url = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "signed"})
    with urllib.request.urlopen(urllib.request.Request(url, data=BODY, method="PUT")) as answer:  # noqa: S310 - ours
        assert answer.status == 200
    assert read(s3, "signed") == BODY


def test_what_is_read_is_read_to_its_end(s3: Any) -> None:
    """Who has begun to read an object gets all of it, though it is overwritten and deleted meanwhile."""
    body = BODY * 4
    s3.put_object(Bucket=BUCKET, Key="read", Body=body)
    reading = s3.get_object(Bucket=BUCKET, Key="read")["Body"]
    begun = reading.read(MEGABYTE)
    s3.put_object(Bucket=BUCKET, Key="read", Body=b"other")
    s3.delete_object(Bucket=BUCKET, Key="read")
    assert begun + reading.read() == body


def test_in_parts(s3: Any) -> None:
    """Parts are joined in their order, under the ETag of their digests; a copy has the content too."""
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    bodies = [BODY[begin : begin + PART] for begin in range(0, len(BODY), PART)]
    address = {"Bucket": BUCKET, "Key": "parts", "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**address, PartNumber=number, Body=body)["ETag"]}
        for number, body in reversed(list(enumerate(bodies, 1)))
    ]
    parts.sort(key=lambda part: part["PartNumber"])
    answer = s3.complete_multipart_upload(**address, MultipartUpload={"Parts": parts})
    digests = b"".join(hashlib.md5(body, usedforsecurity=False).digest() for body in bodies)
    whole = hashlib.md5(digests, usedforsecurity=False).hexdigest()
    assert answer["ETag"].strip('"') == f"{whole}-{len(bodies)}"
    assert read(s3, "parts") == BODY
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "parts"})
    assert read(s3, "copy") == BODY


def test_a_wrong_checksum(hasty: Any) -> None:
    """A large body that is not what its checksum says is refused."""
    wrong = base64.b64encode(b"none").decode()
    with pytest.raises(ClientError, match="BadDigest"):
        hasty.put_object(Bucket=BUCKET, Key="wrong", Body=BODY[: 2 * MEGABYTE], ChecksumCRC32=wrong)


@pytest.mark.parametrize(
    ("name", "check"),
    [("ChecksumCRC64NVME", 0xAE8B14860A799888.to_bytes(8)), ("ChecksumCRC32C", 0xE3069283.to_bytes(4))],
)
def test_checksums_of_other_clients(s3: Any, hasty: Any, name: str, check: bytes) -> None:
    """What the AWS CLI 2 sends is compared: these are the published check values of the two algorithms."""
    value = base64.b64encode(check).decode()
    s3.put_object(Bucket=BUCKET, Key="checked", Body=b"123456789", **{name: value})
    assert s3.head_object(Bucket=BUCKET, Key="checked", ChecksumMode="ENABLED")[name] == value
    with pytest.raises(ClientError, match="BadDigest"):
        hasty.put_object(Bucket=BUCKET, Key="checked", Body=b"123456780", **{name: value})


def test_nobody_waits_and_memory_stays(client: Callable[[str], Any], embedded: gateway.Gateway, s3: Any) -> None:
    """While 400 MB go in, are copied and go out, other calls are answered, and the process stays at its size."""
    size = 400 * MEGABYTE
    body = bytes(size)
    process = psutil.Process(embedded.pid)
    sagemaker, slowest, most = client("sagemaker"), [0.0], [0]
    over = threading.Event()
    before = process.memory_info().rss

    def ask() -> None:
        while not over.wait(0.02):
            begun = time.monotonic()
            sagemaker.list_models()
            slowest[0] = max(slowest[0], time.monotonic() - begun)
            most[0] = max(most[0], process.memory_info().rss - before)

    asking = threading.Thread(target=ask)
    asking.start()
    started = time.monotonic()
    s3.put_object(Bucket=BUCKET, Key="huge", Body=io.BytesIO(body))
    s3.copy_object(Bucket=BUCKET, Key="again", CopySource={"Bucket": BUCKET, "Key": "huge"})
    content = s3.get_object(Bucket=BUCKET, Key="again", Range=f"bytes=1-{size}")["Body"]
    assert sum(map(len, content.iter_chunks(MEGABYTE))) == size - 1
    took = time.monotonic() - started
    over.set()
    asking.join()
    assert slowest[0] < max(1, took / 5)
    assert most[0] < size / 4


@pytest.fixture(scope="module", autouse=True)
def emptied(s3: Any) -> Iterator[None]:
    """Leave no bucket behind."""
    yield
    for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=each["Key"])
    s3.delete_bucket(Bucket=BUCKET)
