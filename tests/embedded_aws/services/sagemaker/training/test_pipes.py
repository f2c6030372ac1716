"""Pipe mode: a channel is read from a named pipe an epoch, an augmented manifest's attributes as they are asked for."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import botocore.exceptions
import pytest

from tests.embedded_aws.account import BUCKET, Account

if TYPE_CHECKING:
    from typing import Any

GROUP = "/aws/sagemaker/TrainingJobs"
# Two epochs of every record, of the third only a beginning, and then the fourth.
READER = """
import hashlib, json, os, struct, sys, time

config = json.load(open("/opt/ml/input/config/inputdataconfig.json"))["training"]
print("told", config["TrainingInputMode"], config["RecordWrapperType"])
for epoch in range(4):
    name = f"/opt/ml/input/data/training_{epoch}"
    while not os.path.exists(name):
        time.sleep(0.01)
    with open(name, "rb") as pipe:
        if epoch == 2:
            pipe.read(1)
            continue
        content = pipe.read()
    records = []
    while config["RecordWrapperType"] == "RecordIO" and content:
        magic, length = struct.unpack("<II", content[:8])
        assert magic == 0xCED7230A, magic
        records.append(content[8 : 8 + length])
        content = content[8 + -(-length // 4) * 4 :]
    said = [each.decode() if len(each) < 99 else hashlib.sha256(each).hexdigest()[:8] for each in records]
    print("epoch", epoch, *said, content.decode())
"""


def channel(uri: str, kind: str = "AugmentedManifestFile", **more: Any) -> list[dict[str, Any]]:
    """InputDataConfig with the channel `training` in Pipe mode."""
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated", **more.pop("source", {})}
    return [{"ChannelName": "training", "InputMode": "Pipe", "DataSource": {"S3DataSource": source}, **more}]


def attributes(*names: str) -> dict[str, Any]:
    """What is asked for of each line."""
    return {"source": {"AttributeNames": list(names)}}


def manifest(account: Account, name: str, *lines: Any) -> str:
    """Put a manifest; its URI."""
    return account.put(f"pipes/{name}", "".join(f"{json.dumps(each)}\n" for each in lines).encode())


def read(account: Account, **request: Any) -> list[str]:
    """What a reader of the channel says."""
    job = account.train(program=READER, **request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return [line for line in account.lines(GROUP, job["TrainingJobName"]) if re.match("epoch|told", line)]


def test_attributes_come_as_records(account: Account) -> None:
    """Each line's attributes in the order of AttributeNames: of a -ref its object, of others what it is as text."""
    photo = account.put("pipes/photo.png", bytes(range(256)) * 1000)
    lines = [
        {"brick": 7, "source-ref": photo, "brick-metadata": {"class-name": "Cog 16 Tooth"}, "shelf": "left"},
        {"source-ref": account.put("pipes/word", b"Moby"), "shelf": "right", "brick": [1, 2]},
    ]
    said = read(
        account,
        InputDataConfig=channel(
            manifest(account, "records", *lines),
            **attributes("source-ref", "brick", "shelf"),
            RecordWrapperType="RecordIO",
        ),
    )
    records = "5f8b1bf8 7 left Moby [1, 2] right"
    digest = said[1].split()[2]
    records = records.replace("5f8b1bf8", digest)
    assert said == ["told Pipe RecordIO", *(f"epoch {epoch} {records} " for epoch in (0, 1, 3))]


def test_objects_come_one_after_another(account: Account) -> None:
    """Without a manifest the channel is its objects, by their keys; the algorithm's input mode holds for it too."""
    for number in range(3):
        account.put(f"pipes/parts/{number}", f"<{number}>".encode())
    said = read(account, InputDataConfig=channel(f"s3://{BUCKET}/pipes/parts/", "S3Prefix"))
    assert said == ["told Pipe None", *(f"epoch {epoch} <0><1><2>" for epoch in (0, 1, 3))]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ((), "No S3 objects found"),
        (({"source-ref": "s3://b/a", "brick": 1}, 3), "line 2 of .* is no JSON object"),
        (({"source-ref": "s3://b/a"},), "line 1 of .* has no attribute 'brick'"),
        (({"source-ref": 1, "brick": 1},), "source-ref is 1, which is no S3 URI"),
        (({"source-ref": f"s3://{BUCKET}/pipes/gone", "brick": 1},), "NoSuchKey"),
    ],
)
def test_a_manifest_that_can_t_be_read_fails_the_job(account: Account, lines: tuple[Any, ...], sentence: str) -> None:
    """The reason names the line, or the object."""
    uri = manifest(account, "broken", *lines) if lines else f"s3://{BUCKET}/pipes/none"
    job = account.train(program=READER, InputDataConfig=channel(uri, **attributes("source-ref", "brick")))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:")
    assert re.search(sentence, job["FailureReason"])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"InputMode": "File", **attributes("a")}, "only be used if the Channel's input mode is Pipe"),
        ({"InputMode": "FastFile", **attributes("a")}, "only be used if the Channel's input mode is Pipe"),
        ({}, "AttributeNames"),
        ({"kind": "S3Prefix", **attributes("a")}, "AttributeNames"),
        ({"kind": "S3Prefix", "InputMode": "File", "RecordWrapperType": "RecordIO"}, "leave RecordWrapperType unset"),
    ],
)
def test_what_does_not_go_together_is_refused(account: Account, wrong: dict[str, Any], sentence: str) -> None:
    """An augmented manifest wants a pipe and attributes, and a pipe alone has records."""
    with pytest.raises(botocore.exceptions.ClientError, match=sentence):
        account.start_job(InputDataConfig=channel(f"s3://{BUCKET}/pipes/", **wrong))


def test_a_job_that_reads_no_pipe_ends(account: Account) -> None:
    """Nobody waits for a reader that never comes."""
    account.put("pipes/parts/0", b"<0>")
    data = channel(f"s3://{BUCKET}/pipes/parts/", "S3Prefix")
    assert account.train(program="print('done')", InputDataConfig=data)["TrainingJobStatus"] == "Completed"
