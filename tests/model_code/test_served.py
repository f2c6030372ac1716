"""The Lambda function and the component for devices: the endpoint's answers, and its words for what is wrong."""

from __future__ import annotations

import base64
import importlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from PIL import Image

import served
from data import read_channel
from inference import model_of, read_images
from network import Network
from novelty import Novelty
from tests.model_code.conftest import MODEL_CODE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NPY, PNG = "application/x-npy", "image/png"
BROKEN = {
    "no type": (b"x", "text/plain"),
    "empty": (b"", PNG),
    "cut short": (b"\x89PNG\r\n\x1a\n\0\0", PNG),
    "no array": (b"\x93NUMPY", NPY),
    "no JSON": (b"{", "application/json"),
    "too small": (b"", ""),
    "deep": (b"[" * 100_000, "application/json"),
    "no pictures": (b"[1]", "application/json"),
}


@pytest.fixture(scope="module")
def artifact(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training's model.tar.gz, as SageMaker packs it."""
    file: Path = tmp_path_factory.mktemp("artifact") / "model.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        for each in sorted(trained.artifact.iterdir()):
            archive.add(each, each.name)
    return file


@pytest.fixture(scope="module")
def expected(trained: Any, run_folder: Path) -> Any:
    """What the SavedModel finds for the test images."""
    import tensorflow as tf

    images = read_channel(run_folder / "training").test.images
    model = tf.saved_model.load(str(trained.artifact / "1"))
    return model.serve(tf.constant(images)).numpy()


@pytest.fixture(scope="module")
def handler(artifact: Path) -> Callable[..., dict[str, Any]]:
    """The function's handler, whose environment is made with the artifact in S3."""

    class S3:
        def get_object(self, **_where: str) -> dict[str, Any]:
            """Return the artifact."""
            return {"Body": io.BytesIO(artifact.read_bytes())}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_ARTIFACT", "s3://bucket/training/job/output/model.tar.gz")
        patch.setattr(boto3, "client", lambda _service: S3())
        handle = importlib.import_module("lambda_function").handler

    def call(body: bytes, content_type: str, method: str = "POST") -> dict[str, Any]:
        text = content_type.startswith("application/json")  # which Lambda hands over as it is
        event = {
            "requestContext": {"http": {"method": method}},
            "headers": {"content-type": content_type},
            "isBase64Encoded": not text,
            "body": body.decode() if text else base64.b64encode(body).decode(),
        }
        answer: dict[str, Any] = handle(event, None)
        assert answer["headers"] == {"content-type": "application/json"}
        return {"status": answer["statusCode"], **json.loads(answer["body"])}

    return call


def picture(side: int = 48) -> bytes:
    """Return a photo of nothing much."""
    file = io.BytesIO()
    Image.fromarray(np.arange(side * side, dtype=np.uint32).astype(np.uint8).reshape(side, side)).save(file, "PNG")
    return file.getvalue()


def npy(array: Any) -> bytes:
    """Return the array as a .npy file's bytes."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_the_function_answers_as_keras_does(
    handler: Callable[..., dict[str, Any]], expected: Any, run_folder: Path, trained: Any
) -> None:
    """Every test image, within 1e-5, in both forms of an answer; it says which model it is as the endpoint does."""
    images = read_channel(run_folder / "training").test.images
    named = handler(npy(images), NPY)
    rows = [[*each["probabilities"].values()] for each in named["predictions"]]
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-5)
    assert named["model"] == model_of((trained.artifact / "receipt.json").read_bytes())
    plain = handler(json.dumps({"instances": images[:3].tolist()}).encode(), "application/json; charset=utf-8")
    np.testing.assert_allclose(plain["predictions"], expected[:3], rtol=0, atol=1e-5)
    assert handler(picture(), PNG)["status"] == 200


@pytest.mark.parametrize("case", BROKEN)
def test_the_function_refuses_in_the_endpoints_words(handler: Callable[..., dict[str, Any]], case: str) -> None:
    """A caller's mistake is 400 and one sentence."""
    body, content_type = BROKEN[case] if case != "too small" else (picture(16), PNG)
    with pytest.raises(ValueError, match=r"\.$") as theirs:
        read_images(body, content_type)
    assert handler(body, content_type) == {"status": 400, "error": str(theirs.value)}


def test_a_picture_without_a_brick_is_told_as_the_endpoint_tells_it(
    handler: Callable[..., dict[str, Any]], run_folder: Path, trained: Any
) -> None:
    """By the same novelty; in TensorFlow Serving's own form nobody has a place for it."""
    images = read_channel(run_folder / "training").test.images
    code = trained.artifact / "code"
    expected = Novelty.read(code / "novelty.npz")(Network.read(code / "network.npz").hidden(images))
    found = handler(npy(images), NPY)["predictions"]
    np.testing.assert_allclose([each["novelty"] for each in found], expected, rtol=1e-5)
    assert [each["known"] for each in found] == (expected <= 1).tolist()
    [black] = handler(npy(np.zeros((48, 48), np.uint8)), NPY)["predictions"]
    assert not black["known"]
    assert handler(json.dumps({"instances": images[:1].tolist()}).encode(), "application/json").keys() == {
        "status",
        "predictions",
    }


def test_another_method_is_refused(handler: Callable[..., dict[str, Any]]) -> None:
    """A browser that opens the URL is told what to do."""
    assert handler(b"", "", "GET") == {"status": 405, "error": "The method is GET; send a picture with POST."}


def test_an_artifact_that_is_not_its_receipts_is_refused(artifact: Path, tmp_path: Path) -> None:
    """Cut short, without the form, or with another one than was compared."""
    with pytest.raises(ValueError, match="is not a whole model"):
        served.read(artifact.read_bytes()[:5000])
    with tarfile.open(artifact) as archive:
        archive.extractall(tmp_path, filter="data")

    def packed() -> bytes:
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz") as made:
            made.add(tmp_path, ".")
        return file.getvalue()

    assert served.read(packed()).model
    form = tmp_path / "exports" / "model.tflite"
    form.write_bytes(form.read_bytes() + b"\0")
    with pytest.raises(ValueError, match="is not the one that its receipt names"):
        served.read(packed())
    form.unlink()
    with pytest.raises(ValueError, match="has no LiteRT form"):
        served.read(packed())


class Bucket:
    """An S3 that takes objects, or nobody who answers."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refuses = False
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                """Take an object, or fail."""
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if not bucket.refuses:
                    bucket.objects[self.path] = content
                self.send_response(503 if bucket.refuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def lines(self) -> list[Any]:
        """Return what was delivered, in order."""
        text = b"".join(content for _, content in sorted(self.objects.items()))
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """A bucket."""
    made = Bucket()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def edge(artifact: Path, tmp_path: Path, bucket: Bucket) -> Callable[..., list[Any]]:
    """Run the component's program once over tmp_path/photos; its lines."""
    (tmp_path / "photos").mkdir()
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{bucket.server.server_port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    }

    def run(*flags: str, says: str = "") -> list[Any]:
        folders = ("--artifact", artifact, "--photos", tmp_path / "photos", "--results", tmp_path / "results")
        done = subprocess.run(
            [sys.executable, MODEL_CODE / "edge.py", *folders, "--once", *flags],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert says in done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_a_device_answers_as_keras_does_and_once(
    edge: Callable[..., list[Any]], expected: Any, run_folder: Path, tmp_path: Path
) -> None:
    """Every test image within 1e-5; a photo that is none gets its sentence; nothing is answered twice."""
    photos = tmp_path / "photos"
    np.save(photos / "all.npy", read_channel(run_folder / "training").test.images)
    (photos / "broken.png").write_bytes(picture()[:60])
    (photos / "notes.txt").write_text("no photo")
    answered, refused = edge()
    rows = [[*each["probabilities"].values()] for each in answered["predictions"]]
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=r"\.$") as theirs:
        read_images((photos / "broken.png").read_bytes(), PNG)
    assert (refused["photo"]["name"], refused["error"]) == ("broken.png", str(theirs.value))
    (photos / "more.png").write_bytes(picture())
    assert [each["photo"]["name"] for each in edge()] == ["more.png"]
    kept = (tmp_path / "results" / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["photo"]["name"] for line in kept] == ["all.npy", "broken.png", "more.png"]


def test_a_line_that_a_crash_has_cut_is_written_anew(edge: Callable[..., list[Any]], tmp_path: Path) -> None:
    """The photo is answered again, and no half of a line is left."""
    (tmp_path / "photos" / "one.png").write_bytes(picture())
    [first] = edge()
    results = tmp_path / "results" / "results.jsonl"
    results.write_bytes(results.read_bytes()[:-20])
    assert edge() == [first]
    assert [json.loads(line) for line in results.read_text().splitlines()] == [first]


def test_results_are_kept_until_they_can_be_delivered(
    edge: Callable[..., list[Any]], bucket: Bucket, tmp_path: Path
) -> None:
    """While nobody answers it goes on; then all lines come, in order, each once."""
    to = ("--bucket", "bricks", "--prefix", "edge/thing/")
    bucket.refuses = True
    for name in ("a.png", "b.png"):
        (tmp_path / "photos" / name).write_bytes(picture())
        assert len(edge(*to, says="can't be reached")) == 1
    assert bucket.lines() == []
    bucket.refuses = False
    assert edge(*to) == []
    (tmp_path / "photos" / "c.png").write_bytes(picture(64))
    edge(*to)
    edge(*to)
    assert [each["photo"]["name"] for each in bucket.lines()] == ["a.png", "b.png", "c.png"]
    assert all(name.startswith("/bricks/edge/thing/") for name in bucket.objects)
