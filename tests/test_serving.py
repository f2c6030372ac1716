"""The model everywhere, as its user meets it: a lab whose artifact serves in a function and on a device."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from PIL import Image

from embedded_aws import gateway

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Lab

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "anywhere"
SETTINGS = ("-c", f"lab.name={NAME}", "-c", "lab.seats=0", "-c", "lab.epochs=2")


@pytest.fixture(scope="module", autouse=True)
def enforced(lab: Lab) -> None:
    """Policies are enforced, so that a permission that the function's role lacks fails a test here."""
    lab.environment["BRICKLAB_ENFORCE_IAM"] = "1"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with something in them."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for part, count in (("train", 300), ("test", 60)):
        labels = np.arange(count) % 10
        images = rng.integers(0, 40, (count, 48, 48), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4 * label : 4 * label + 8, 8:40] = 220
        np.save(folder / f"lego-simple-{part}-images.npy", images)
        np.save(folder / f"lego-simple-{part}-labels.npy", labels)
    return folder


def ask(lab: Lab, body: bytes, content_type: str, *, signed: bool = True) -> tuple[int, Any]:
    """Send a request to the function's URL; status and answer."""
    running = gateway.running(lab.home / "aws")
    assert running
    url_id = lab.outputs()["FunctionUrl"].removeprefix("https://").partition(".")[0]
    request = AWSRequest(
        "POST", f"{running.url}/_aws/lambda-url/{url_id}/", data=body, headers={"Content-Type": content_type}
    )
    if signed:
        credentials = Credentials("test", "test")
        SigV4Auth(credentials, "lambda", gateway.REGION).add_auth(request)
    trusted: Any = running.environment().get("AWS_CA_BUNDLE", True)
    response = URLLib3Session(verify=trusted, timeout=60).send(request.prepare())
    return response.status_code, json.loads(response.content)


def endpoint(lab: Lab, body: bytes, content_type: str) -> Any:
    """The endpoint's answer."""
    answer = lab.client("sagemaker-runtime").invoke_endpoint(EndpointName=NAME, ContentType=content_type, Body=body)
    return json.loads(answer["Body"].read())


def rows(answer: Any) -> Any:
    """The probabilities of an answer, (n, 10)."""
    return np.array([[*each["probabilities"].values()] for each in answer["predictions"]])


def test_up_brings_the_function_and_the_component(lab: Lab, data: Path) -> None:
    """And `status` says where they are."""
    lab("up", *SETTINGS, "-c", f"lab.data={data}", "-c", "lab.serve_also=lambda,edge")
    ways = json.loads(lab("status", *SETTINGS, "--json"))["ways"]
    assert ways["lambda"].endswith(f".lambda-url.{gateway.REGION}.on.aws/")
    assert f":components:{NAME}-model:versions:1.0.0-c" in ways["edge"]


def test_the_function_answers_as_the_endpoint_does(lab: Lab, data: Path) -> None:
    """The whole test set within 1e-5, a photo, the same model; and the endpoint's words for a mistake."""
    body = (data / "lego-simple-test-images.npy").read_bytes()
    status, answer = ask(lab, body, "application/x-npy")
    theirs = endpoint(lab, body, "application/x-npy")
    assert (status, answer["model"]) == (200, theirs["model"])
    np.testing.assert_allclose(rows(answer), rows(theirs), rtol=0, atol=1e-5)
    photo = io.BytesIO()
    Image.fromarray(np.load(data / "lego-simple-test-images.npy")[3]).resize((200, 150)).save(photo, "JPEG")
    np.testing.assert_allclose(
        rows(ask(lab, photo.getvalue(), "image/jpeg")[1]),
        rows(endpoint(lab, photo.getvalue(), "image/jpeg")),
        rtol=0,
        atol=1e-5,
    )
    assert ask(lab, b"", "image/png") == (
        400,
        {"error": "The body is not a whole PNG or JPEG picture; send the file's own bytes, unchanged."},
    )


def test_nobody_asks_the_function_without_a_signature(lab: Lab) -> None:
    """The URL asks for IAM's permission."""
    status, answer = ask(lab, b"", "image/png", signed=False)
    assert (status, set(answer)) == (403, {"Message"})


def test_the_recipe_runs_here_with_and_without_aws(lab: Lab, data: Path, tmp_path: Path) -> None:
    """Its own scripts install and run it; the lines are the endpoint's answers, and end up in the lab's bucket."""
    images = np.load(data / "lego-simple-test-images.npy")
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        Image.fromarray(images[number]).save(photos / f"{number}.png")
    (photos / "none.png").write_bytes(b"none")
    edge = ("edge", str(photos), *SETTINGS, "--results", str(tmp_path / "results"))
    lines = [json.loads(line) for line in lab(*edge).splitlines()]
    assert [line["photo"]["name"] for line in lines] == ["0.png", "1.png", "2.png", "none.png"]
    for number, line in enumerate(lines[:3]):
        theirs = endpoint(lab, (photos / f"{number}.png").read_bytes(), "image/png")
        np.testing.assert_allclose(rows(line), rows(theirs), rtol=0, atol=1e-5)
        assert line["model"] == theirs["model"]
    assert lines[3]["error"].startswith("The body is not a whole PNG or JPEG picture")

    lab(*edge, "--deliver")
    bucket = lab.outputs()["BucketName"]
    found = lab.client("s3").list_objects_v2(Bucket=bucket, Prefix="edge/")["Contents"]
    delivered = b"".join(lab.client("s3").get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found)
    assert [json.loads(line) for line in delivered.splitlines()] == lines


def test_without_aws_the_component_that_is_here_answers(lab: Lab, tmp_path: Path) -> None:
    """After `down` nothing of the lab is left but what the device has."""
    lab("down", *SETTINGS)
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(np.zeros((48, 48), np.uint8)).save(photos / "black.png")
    [line] = lab("edge", str(photos), *SETTINGS, "--results", str(tmp_path / "results")).splitlines()
    assert json.loads(line)["predictions"]
