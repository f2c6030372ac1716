"""Photos that people have labelled: by prepare.py's manifest, and by the pipe of an augmented manifest's channel."""

from __future__ import annotations

import io
import json
import os
import struct
import threading
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from PIL import Image

import prepare as script
from command_line import Folders
from data import LABELS, read_channel
from labelled import read_if_piped
from photo import prepare
from preparing.manifest import list_labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from embedded_aws import gateway

BUCKET = "labelled-photos"
MANIFEST = f"s3://{BUCKET}/labels/bricks/manifests/output/output.manifest"


def picture(number: int) -> bytes:
    """A photo that no other is like."""
    pixels = np.random.default_rng(number).integers(0, 80, (48, 48), dtype=np.uint8)
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "png")
    return written.getvalue()


def line(number: int, label: Any, **more: Any) -> dict[str, Any]:
    """A line of Ground Truth's."""
    metadata = {"class-name": "a", "confidence": 0.9, "type": "groundtruth/image-classification"}
    return {"source-ref": f"s3://{BUCKET}/raw/{number}.png", "bricks": label, "bricks-metadata": metadata, **more}


@pytest.fixture(scope="module", autouse=True)
def _there(embedded: gateway.Gateway, client: Callable[[str], Any]) -> Iterator[None]:
    client("s3").create_bucket(Bucket=BUCKET)
    told = {
        "AWS_ENDPOINT_URL": embedded.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in told.items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield


@pytest.fixture
def put(client: Callable[[str], Any]) -> Callable[..., None]:
    """Puts the manifest with these lines."""

    def write(*lines: Any) -> None:
        body = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines).encode()
        client("s3").put_object(Bucket=BUCKET, Key=MANIFEST.partition(f"{BUCKET}/")[2], Body=body)

    return write


def test_a_manifest_takes_the_place_of_folders(put: Callable[..., None]) -> None:
    """A photo's class is its label, a number or its text; who has no label or no brick is left out with a reason."""
    put(line(0, 3), line(1, "9"), line(2, 10), {"source-ref": f"s3://{BUCKET}/raw/3.png"}, "")
    files, left_out = list_labelled(MANIFEST, None)
    assert [(each.path, each.label) for each in files] == [("raw/0.png", 3), ("raw/1.png", 9)]
    assert left_out == [
        ("raw/2.png", "People say that it is none of the bricks."),
        ("raw/3.png", "It has no label yet."),
    ]
    assert list_labelled(MANIFEST, "bricks")[0] == files


def test_prepare_takes_a_manifest(put: Callable[..., None], client: Callable[[str], Any], tmp_path: Path) -> None:
    """The script makes the four files of it; its report has who was left out. Of two sources it takes one."""
    for number in range(40):
        client("s3").put_object(Bucket=BUCKET, Key=f"raw/{number}.png", Body=picture(number))
    put(*(line(number, number % 10) for number in range(40)), line(40, 10))
    table = ("--table", f"s3://{BUCKET}/prepared/", "--output", str(tmp_path))
    assert "41 photos: " in script.run(["--manifest", MANIFEST, *table])
    channel = read_channel(tmp_path)
    assert len(channel.train.labels) + len(channel.test.labels) == 40
    [dropped] = json.loads((tmp_path / "report.json").read_text())["dropped"]
    assert dropped == {"path": "raw/40.png", "why": "People say that it is none of the bricks."}
    for flags in ((), ("--photos", f"s3://{BUCKET}/raw/", "--manifest", MANIFEST), ("--manifest", "s3://b/")):
        with pytest.raises(ValueError, match=r"give one of them|needs to be an object"):
            script.run([*flags, *table])


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ((line(0, 3), "{no"), "line 2: it is no JSON object"),
        ((line(0, 3), "[]"), "line 2: it is no JSON object"),
        ((line(0, 11),), "line 1: the label is 11; it needs to be a class, 0 to 9, or 10"),
        ((line(0, 1.5),), "line 1: the label is 1.5"),
        ((line(0, True),), "line 1: the label is True"),
        ((line(0, "Duck"),), "line 1: the label is 'Duck'"),
        (({**line(0, 1), "source-ref": "s3://elsewhere/a.png"},), "line 1: source-ref is 's3://elsewhere/a.png'"),
        (({"bricks": 1, "bricks-metadata": line(0, 1)["bricks-metadata"]},), "line 1: source-ref is None"),
        (({"source-ref": f"s3://{BUCKET}/a.png"},), "needs one label attribute"),
        ((line(0, 1, **{"b-metadata": line(0, 1)["bricks-metadata"]}),), "it has b, bricks: say which"),
        ((line(0, 10),), "No line of"),
    ],
)
def test_a_broken_manifest_is_one_sentence(put: Callable[..., None], lines: tuple[Any, ...], sentence: str) -> None:
    """It names the line and the rule."""
    put(*lines)
    with pytest.raises(ValueError, match=r"\.$") as raised:
        list_labelled(MANIFEST, None)
    assert sentence in str(raised.value)


def recordio(*contents: bytes) -> bytes:
    """Records as SageMaker wraps them."""
    return b"".join(struct.pack("<II", 0xCED7230A, len(each)) + each + bytes(-len(each) % 4) for each in contents)


def piped(folder: Path, content: bytes, wrapper: str = "RecordIO") -> Folders:
    """Read the channel that a pipe brings."""
    folders = Folders(code=folder, training=folder / "training", artifact=folder, pictures=folder)
    os.mkfifo(folder / "training_0")
    writer = threading.Thread(target=(folder / "training_0").write_bytes, args=(content,), daemon=True)
    writer.start()
    channels = {"training": {"TrainingInputMode": "Pipe", "RecordWrapperType": wrapper}}
    return read_if_piped(folders, {"SM_INPUT_DATA_CONFIG": json.dumps(channels)})


def test_a_pipe_becomes_the_four_files(tmp_path: Path) -> None:
    """Photos and labels by turns are prepared and split as prepare.py does it; what is no brick is left out."""
    photos = [picture(number) for number in range(40)]
    records = [each for number, photo in enumerate(photos) for each in (photo, str(number % 10).encode())]
    channel = read_channel(piped(tmp_path, recordio(*records, picture(99), b"10")).training)
    assert len(channel.train.labels) + len(channel.test.labels) == 40
    assert {*channel.train.labels.tolist(), *channel.test.labels.tolist()} == {*range(len(LABELS))}
    known = {prepare(photo).tobytes(): number % 10 for number, photo in enumerate(photos)}
    for part in (channel.train, channel.test):
        assert [known[image.tobytes()] for image in part.images] == part.labels.tolist()


@pytest.mark.parametrize(
    ("content", "wrapper", "sentence"),
    [
        (recordio(picture(0)), "RecordIO", "has no label behind it"),
        (recordio(picture(0), b"12"), "RecordIO", "the label is '12'"),
        (b"no records at all", "RecordIO", "no stream of whole RecordIO records"),
        (recordio(picture(0))[:50], "RecordIO", "ends in the middle of a record"),
        (recordio(picture(0), b"1"), "RecordIO", "Class 0, 2x3 Brick, needs at least one photo"),
    ],
)
def test_a_stream_that_can_t_be_is_one_sentence(tmp_path: Path, content: bytes, wrapper: str, sentence: str) -> None:
    """It says what is wrong with the stream."""
    with pytest.raises(ValueError, match=sentence):
        piped(tmp_path, content, wrapper)


def test_a_channel_without_a_pipe_is_left_alone(tmp_path: Path) -> None:
    """Files are read where they lie; a pipe without records can't be told apart."""
    folders = Folders(code=tmp_path, training=tmp_path, artifact=tmp_path, pictures=tmp_path)
    assert read_if_piped(folders, {}) == folders
    channels = {"training": {"TrainingInputMode": "Pipe", "RecordWrapperType": "None"}}
    with pytest.raises(ValueError, match="RecordWrapperType RecordIO"):
        read_if_piped(folders, {"SM_INPUT_DATA_CONFIG": json.dumps(channels)})
