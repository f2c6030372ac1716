"""The handlers, driven as AWS's inference container drives them, around the SavedModel that train.py wrote."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from PIL import Image

from cli.security.locks import pins
from data import LABELS, Part, read_channel
from inference import NetworkHandler, input_handler, output_handler
from infra.handlers.served_model import artifact
from infra.handlers.served_model.handler import black_picture
from network import LARGEST_DIFFERENCE, Network
from tests.model_code.conftest import MODEL_CODE, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    Invoke = Callable[[bytes, str], tuple[Any, str]]

JSON, NPY = "application/json", "application/x-npy"


@dataclass(frozen=True)
class Context:
    """The fields of the container's Context that handlers may read."""

    request_content_type: str
    accept_header: str = JSON


@dataclass(frozen=True)
class Response:
    """What `requests` hands to output_handler."""

    status_code: int
    content: bytes


@pytest.fixture(scope="session")
def invoke(trained: Any) -> Invoke:
    """Send a body through input_handler, the SavedModel's signature and output_handler."""
    import tensorflow as tf

    model = tf.saved_model.load(str(trained.artifact / "1"))
    signature = model.signatures["serving_default"]

    def call(body: bytes, content_type: str) -> tuple[Any, str]:
        context = Context(content_type)
        instances = json.loads(input_handler(io.BytesIO(body), context))["instances"]
        # TensorFlow Serving casts the numbers of the row form to the signature's type.
        (rows,) = signature(tf.constant(instances, tf.float32)).values()
        content = json.dumps({"predictions": rows.numpy().tolist()}).encode()
        answer, answer_type = output_handler(Response(200, content), context)
        return json.loads(answer), answer_type

    # The signature lives as long as its model does.
    call.model = model  # type: ignore[attr-defined]
    return call


@pytest.fixture(scope="session")
def images(trained: Any, run_folder: Path) -> npt.NDArray[np.float32]:
    """The test images, (100, 48, 48) float32 0..1; image i shows class i % 10."""
    assert trained.artifact.is_dir()
    return read_channel(run_folder / "training").test.images


def npy(array: npt.NDArray[Any], *, allow_pickle: bool = False) -> bytes:
    """Return the array as a .npy file's bytes."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def png(image: npt.NDArray[np.float32], kind: str = "PNG") -> bytes:
    """Return a picture 0..1 as a file's bytes."""
    file = io.BytesIO()
    Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(file, kind)
    return file.getvalue()


def image(last: str) -> bytes:
    """Return a request with one picture, all of whose pixels are 0.25 but the last: it is this text."""
    rows = ["0.25" + ", 0.25" * 47] * 47 + ["0.25, " * 47 + last]
    return f'{{"instances": [[{", ".join(f"[{row}]" for row in rows)}]]}}'.encode()


def refusal(body: bytes, content_type: str) -> str:
    """Return the sentence with which input_handler refuses the request."""
    with pytest.raises(ValueError, match=r"^[^\n]*\.$") as caught:
        input_handler(io.BytesIO(body), Context(content_type))
    return str(caught.value)


@pytest.fixture(scope="session")
def answers(trained: Any) -> Invoke:
    """Send a body through what answers in the place of all three, as the artifact has it."""
    handler = NetworkHandler(Network.read(trained.artifact / "code" / "network.npz"))

    def call(body: bytes, content_type: str) -> tuple[Any, str]:
        answer, answer_type = handler(io.BytesIO(body), Context(content_type))
        return json.loads(answer), answer_type

    return call


def test_the_network_in_numpy_answers_as_the_saved_model(
    invoke: Invoke, answers: Invoke, images: npt.NDArray[np.float32]
) -> None:
    """Whatever the form of the request, form and labels are equal and no probability differs by more than 1e-5."""
    rows = json.dumps({"instances": images.tolist()}).encode()
    theirs, ours = invoke(rows, JSON), answers(rows, JSON)
    np.testing.assert_allclose(ours[0]["predictions"], theirs[0]["predictions"], rtol=0, atol=1e-5)
    assert ours[0].keys() == theirs[0].keys()
    assert ours[1] == theirs[1] == JSON
    for body, content_type in ((npy(images[:10]), NPY), (png(images[3]), "image/png")):
        for one, other in zip(*(ask(body, content_type)[0]["predictions"] for ask in (answers, invoke)), strict=True):
            assert {name: one[name] for name in ("class", "label")} == {
                name: other[name] for name in ("class", "label")
            }
            assert one["probabilities"] == pytest.approx(other["probabilities"], rel=0, abs=1e-5)
            assert one["probability"] == pytest.approx(other["probability"], rel=0, abs=1e-5)


@pytest.mark.parametrize(("off", "written"), [(0, True), (2, False)])
def test_a_network_that_differs_is_left_out(
    trained: Any,
    images: npt.NDArray[np.float32],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    off: int,
    written: bool,
) -> None:
    """The artifact carries the form in NumPy only if it finds what the trained network finds; else the log says so."""
    from export import write_network

    network = Network.read(trained.artifact / "code" / "network.npz")
    by = off * LARGEST_DIFFERENCE
    test = Part(images=images, labels=np.arange(len(images)) % 10)
    difference = write_network(network, tmp_path, test=test, probabilities=network(images) + np.float32(by))
    assert difference == pytest.approx(by, abs=1e-6)
    assert (tmp_path / "network.npz").exists() is written
    assert ("network.npz is left out" in capsys.readouterr().out) is not written


def test_the_handler_is_there_with_the_network_only(trained: Any, tmp_path: Path) -> None:
    """The container finds `handler` in an artifact that carries the network, else the pair alone."""
    whole = trained.artifact / "code"
    shutil.copytree(whole, tmp_path / "code", ignore=shutil.ignore_patterns("*.npz"))
    program = "import sys; sys.path.insert(0, sys.argv[1]); import inference; print(hasattr(inference, 'handler'))"
    found = [
        subprocess.run([sys.executable, "-c", program, str(code)], capture_output=True, text=True, check=True).stdout
        for code in (whole, tmp_path / "code")
    ]
    assert found == ["True\n", "False\n"]


def test_json_gets_tensorflow_servings_own_answer(invoke: Invoke, images: npt.NDArray[np.float32]) -> None:
    """The row form goes in unchanged and ten probabilities an image come out."""
    body = json.dumps({"instances": images[:3].tolist()}).encode()
    assert input_handler(io.BytesIO(body), Context(JSON)) == body.decode()
    answer, content_type = invoke(body, "application/json; charset=utf-8")
    assert content_type == JSON
    assert set(answer) == {"predictions"}
    rows = np.array(answer["predictions"])
    assert rows.shape == (3, 10)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)
    assert rows.argmax(axis=1).tolist() == [0, 1, 2]


def test_what_json_allows_is_read(images: npt.NDArray[np.float32]) -> None:
    """Spaces, whole numbers, exponents and another key change nothing."""
    plain, whole = image("0.25"), image("1")
    assert input_handler(io.BytesIO(plain), Context(JSON)) == plain.decode()
    assert input_handler(io.BytesIO(whole), Context(JSON)) == whole.decode()
    spaced = json.dumps({"signature_name": "serving_default", "instances": images[:1].tolist()}, indent=1).encode()
    for body in (spaced, image("25e-2"), image("0.25").replace(b" ", b"\n\t ")):
        assert input_handler(io.BytesIO(body), Context(JSON)) == body.decode()


def test_a_bare_list_is_the_row_form(images: npt.NDArray[np.float32]) -> None:
    """What a transform job's InputFilter has picked out of a record is asked as the whole document would be."""
    rows = images[:3].tolist()
    assert json.loads(input_handler(io.BytesIO(json.dumps(rows).encode()), Context(JSON))) == {"instances": rows}


@pytest.mark.parametrize("dtype", ["f2", ">f2", "f4", ">f4", "f8", ">f8", "g", "u1"])
def test_arrays_of_every_type_get_the_same_named_answer(
    invoke: Invoke, images: npt.NDArray[np.float32], dtype: str
) -> None:
    """Floats 0..1, of any precision and byte order, and uint8 0..255 of the same images are sorted alike."""
    array = np.rint(images[:10] * 255).astype(np.uint8) if dtype == "u1" else images[:10].astype(dtype)
    answer, content_type = invoke(npy(array), NPY)
    assert content_type == JSON
    assert [one["class"] for one in answer["predictions"]] == list(range(10))
    for one in answer["predictions"]:
        assert set(one) == {"class", "label", "probability", "probabilities"}
        assert one["label"] == LABELS[one["class"]]
        assert list(one["probabilities"]) == list(LABELS)
        assert one["probability"] == max(one["probabilities"].values()) == one["probabilities"][one["label"]]


def test_one_array_and_fortran_order_are_read(invoke: Invoke, images: npt.NDArray[np.float32]) -> None:
    """An array (48, 48) is one image; the file's memory order makes no difference."""
    one, _ = invoke(npy(images[4]), NPY)
    stack, _ = invoke(npy(np.asfortranarray(images[4:6])), NPY)
    assert [len(answer["predictions"]) for answer in (one, stack)] == [1, 2]
    assert one["predictions"][0]["label"] == stack["predictions"][0]["label"] == "1x1 Brick"


def test_a_png_of_a_test_image_gets_exactly_the_arrays_answer(invoke: Invoke, images: npt.NDArray[np.float32]) -> None:
    """A picture saved from the test set is answered as the array is, to the last digit."""
    assert invoke(png(images[7]), "image/png") == invoke(npy(images[7]), NPY)


def test_a_jpeg_is_sorted(invoke: Invoke, images: npt.NDArray[np.float32]) -> None:
    """A JPEG of a test image gets one prediction, of the right class."""
    answer, _ = invoke(png(images[9], "JPEG"), "image/jpeg")
    assert [one["label"] for one in answer["predictions"]] == ["1x2 Grill"]


@pytest.mark.parametrize("content_type", ["text/csv", "image/gif", "application/octet-stream", ""])
def test_another_content_type_is_refused_with_those_that_work(content_type: str) -> None:
    """The sentence names what came and what may come."""
    message = refusal(b"1,2,3", content_type)
    assert repr(content_type) in message
    assert all(accepted in message for accepted in (JSON, NPY, "image/png", "image/jpeg"))


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff\xfe", b'["a"]', b"{}", b'"instances"'),
        *(b'{"instances": [[1, [2]]]}', b'{"instances": ["a"]}', b'{"instances": ' + b"[" * 100_000),
        *(image('"0.5"'), image("true"), image("[0.5]"), image("[0.5, 0.5]"), image("null, 0.5")),
        b'{"inputs": [], ' + image("0.5")[1:],
        b'{"signature_name": "other", ' + image("0.5")[1:],
    ],
)
def test_json_of_another_form_is_refused(body: bytes) -> None:
    """The sentence shows the form that is needed."""
    assert '{"instances": [image, …]}' in refusal(body, JSON)


@pytest.mark.parametrize(
    ("instances", "found"),
    [
        ([], "shape (0,)"),
        ([1], "shape (1,)"),
        ([[0.5] * 48] * 48, "shape (48, 48)"),
        (json.loads("[" * 64 + "1" + "]" * 64), "shape (1, 1, 1"),
        ([[[0.5] * 48] * 47], "shape (1, 47, 48)"),
        ([[[200] * 48] * 48], "values from 200 to 200"),
        ([[[float("nan")] * 48] * 48], "NaN"),
    ],
)
def test_json_that_is_no_picture_is_refused(instances: list[Any], found: str) -> None:
    """The sentence names the shape or the values that were found, and those that are needed."""
    for document in ({"instances": instances}, instances):
        message = refusal(json.dumps(document).encode(), JSON)
        assert found in message
        assert "needs (n, 48, 48)" in message


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((28, 28), np.float32), "shape (28, 28); it needs (48, 48) for one picture, or (n, 48, 48)"),
        (np.zeros((1, 28, 28), np.float32), "shape (1, 28, 28)"),
        (np.zeros(2304, np.float32), "shape (2304,)"),
        (np.zeros((48, 48), ">i4"), "int32 values"),
        (np.zeros((1, 48, 48, 3), np.uint8), "shape (1, 48, 48, 3)"),
        (np.zeros((0, 48, 48), np.uint8), "shape (0, 48, 48)"),
        (np.zeros((48, 48), np.int64), "int64 values"),
        (np.full((48, 48), 2.0), "values from 2 to 2"),
    ],
)
def test_an_array_that_is_no_picture_is_refused(array: npt.NDArray[Any], found: str) -> None:
    """The sentence names what was found and what is needed."""
    message = refusal(npy(array), NPY)
    assert message.startswith("The array ")
    assert found in message


def test_bytes_that_are_no_npy_are_refused() -> None:
    """Pickles, text, archives, and files whose header claims more than the body has are refused unread."""
    archive = io.BytesIO()
    np.savez(archive, np.zeros((48, 48)))
    whole = npy(np.zeros((48, 48)))
    huge = whole.replace(b"(48, 48)", b"(480000, 480000)"[:16].ljust(16)).replace(b" " * 8 + b"\n", b"\n")
    pickled = npy(np.array([{}], dtype=object), allow_pickle=True)
    for body in (b"", b"text", whole[:-8], whole[:40], whole + bytes(8), huge, archive.getvalue(), pickled):
        assert refusal(body, NPY) == "The body is not a whole .npy file of numbers, as numpy.save writes it."


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg"])
def test_bytes_that_are_no_picture_are_refused(content_type: str) -> None:
    """The photo preparation's own sentence reaches the caller."""
    assert refusal(b"no picture", content_type).startswith("The body is not a whole PNG or JPEG picture")


def test_a_refusal_of_tensorflow_serving_reaches_the_caller() -> None:
    """A response other than 200 raises with the message that TensorFlow Serving gave."""
    with pytest.raises(ValueError, match=r"^The model refused the request: .*input size mismatch"):
        output_handler(Response(400, b'{"error": "input size mismatch"}'), Context(JSON))


def test_the_artifacts_code_imports_no_tensorflow(trained: Any) -> None:
    """code/ is whole without the rest of the source directory, and needs NumPy and Pillow only."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import inference; print(*sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", code, str(trained.artifact / "code")], capture_output=True, text=True, check=True
    )
    modules = set(process.stdout.split())
    assert {"numpy", "PIL"} <= modules
    assert not {"tensorflow", "keras", "matplotlib", "boto3", "requests"} & modules


@pytest.mark.parametrize(
    ("requirements", "image"),
    [
        ("requirements.txt", "tensorflow-training-2.21-cpu-py312"),
        ("requirements-inference.txt", "tensorflow-inference-2.20-cpu-py312"),
    ],
)
def test_pip_finds_every_requirement_in_the_embedded_aws_images(requirements: str, image: str) -> None:
    """Each pin is the image's own pin, so that starting a container installs nothing."""

    def pinned(file: Path) -> set[str]:
        return {str(pin.requirement) for pin in pins(file)}

    there = pinned(ROOT / "embedded_aws" / "images" / f"{image}.txt")
    assert pinned(MODEL_CODE / requirements) <= there


def test_an_answer_bears_the_hash_that_a_deployment_expects(trained: Any, tmp_path: Path) -> None:
    """What the artifact's own inference.py answers with is what Custom::ServedModel reads from its archive."""
    packed = tmp_path / "model.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(trained.artifact, ".")
    client = boto3.client("s3", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    with Stubber(client) as s3, packed.open("rb") as file:
        body = StreamingBody(file, packed.stat().st_size)
        s3.add_response("get_object", {"Body": body}, {"Bucket": "bucket", "Key": "model.tar.gz"})
        expected = artifact.model_of(client, "s3://bucket/model.tar.gz")
    program = (
        "import io, types, inference\n"
        "context = types.SimpleNamespace(request_content_type='application/x-npy')\n"
        f"print(inference.handler(io.BytesIO({black_picture()!r}), context)[0].decode())"
    )
    code = trained.artifact / "code"
    done = subprocess.run([sys.executable, "-c", program], cwd=code, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["model"] == expected
