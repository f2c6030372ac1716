"""The model everywhere, as whoever asks meets it: a function, a REST API, a device, a web page; from `up` to `down`."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from bench.support import browser
from cli import paths
from cli.aws.endpoint import FailedRequestError
from cli.aws.function_url import FunctionUrl
from cli.aws.http_client import HttpClient
from cli.aws.session import Session, Target
from cli.commands.predict import sentence
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from cli.aws.http_client import Answer
    from tests.conftest import Lab

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "ways"
SETTINGS = ["-c", f"lab.name={NAME}", "-c", "lab.seats=0", "-c", "lab.epochs=2"]
WAYS = "lambda,rest,edge,web"
DOCUMENT = paths.ROOT / "docs" / "openapi.json"
JSON, NPY, PNG = "application/json", "application/x-npy", "image/png"


@pytest.fixture(scope="module", autouse=True)
def enforced(lab: Lab) -> None:
    """Policies are enforced, so that a permission that somebody lacks fails a test here."""
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


def encoded(pixels: Any, mode: str | None = None) -> bytes:
    """A picture as a PNG file's bytes."""
    file = io.BytesIO()
    (Image.new(mode, pixels) if mode else Image.fromarray(pixels)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of something."""
    pixels = np.random.default_rng(5).integers(150, 200, (200, 300, 3), dtype=np.uint8)
    pixels[60:140, 90:220] = (30, 60, 160)
    file = tmp_path_factory.mktemp("photos") / "photo.png"
    file.write_bytes(encoded(pixels))
    return file


# What is wrong with a request, and how the sentence begins that any way has for it.
BROKEN = {
    "empty": (b"", PNG, "The body is not a whole PNG or JPEG picture"),
    "truncated": (encoded(np.zeros((60, 60), np.uint8))[:-40], PNG, "The body is not a whole PNG or JPEG picture"),
    "small": (encoded((20, 30), "L"), PNG, "The picture has 20x30 pixels; it needs 48x48 or more."),
    "bomb": (encoded((10_000, 9_000), "1"), PNG, "The picture has more than 89,478,485 pixels; send a smaller one."),
    "no array": (b"x", NPY, "The body is not a whole .npy file"),
    "no JSON": (b"{", JSON, "The body is not JSON of the form"),
    "JSON of something else": (b'{"pictures": []}', JSON, "The body is not JSON of the form"),
    "JSON of no pictures": (b"[1]", JSON, '"instances" has shape (1,); it needs '),
    "deep JSON": (b"[" * 100_000, JSON, "The body is not JSON of the form"),
    "type": (b"x", "text/plain", "Content-Type is 'text/plain'; send one of "),
}


def session(lab: Lab) -> Session:
    """A session on the lab's embedded AWS."""
    running = gateway.running(lab.home / "aws")
    assert running
    return Session(Target.EMBEDDED, running.environment(), gateway.ACCOUNT, gateway.REGION)


def key(lab: Lab) -> str:
    """The API key's value."""
    found = lab.client("apigateway").get_api_key(apiKey=lab.outputs()["RestKeyId"], includeValue=True)
    return str(found["value"])


@pytest.fixture
def post(lab: Lab) -> Callable[..., Answer]:
    """Sends a body to the REST API."""
    url, value, client = lab.outputs()["RestUrl"], key(lab), HttpClient(session(lab))

    def send(body: bytes, content_type: str = "image/png", **headers: str) -> Answer:
        sent = {
            "Content-Type": content_type,
            "x-api-key": value,
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        return client.send("POST", url, headers={name: text for name, text in sent.items() if text}, body=body)

    return send


@pytest.fixture
def page(lab: Lab) -> Iterator[Page]:
    """A page of Chromium's, which reaches AWS's names, and no others, by the embedded AWS's proxy."""
    with browser.of_session(session(lab)) as context:
        opened = context.new_page()
        wrong: list[str] = []
        opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        yield opened
        assert not wrong


def function(lab: Lab) -> FunctionUrl:
    """The Lambda function, asked with the account's own credentials."""
    return FunctionUrl(session(lab), lab.outputs())


def asked(lab: Lab, photo: Path, *options: str) -> Any:
    """What `predict` prints for programs."""
    return json.loads(lab("predict", *SETTINGS, str(photo), "--json", *options))[str(photo)]


def test_up_makes_them_all(lab: Lab, data: Path) -> None:
    """Beside the endpoint, in its stack; `status` says where they are."""
    lab("up", *SETTINGS, "-c", f"lab.data={data}", "-c", f"lab.serve_also={WAYS}")
    outputs = lab.outputs()
    assert re.fullmatch(r"https://\w+\.lambda-url\.us-east-1\.on\.aws/", outputs["FunctionUrl"])
    assert re.fullmatch(r"https://\w+\.execute-api\.us-east-1\.amazonaws\.com/v1/predictions", outputs["RestUrl"])
    assert f":components:{NAME}-model:versions:1.0.0-c" in outputs["EdgeComponent"]
    assert re.fullmatch(r"https://\w+\.cloudfront\.net/", outputs["WebUrl"])
    names = {"lambda": "FunctionUrl", "rest": "RestUrl", "edge": "EdgeComponent", "web": "WebUrl"}
    ways = json.loads(lab("status", *SETTINGS, "--json"))["ways"]
    assert ways == {way: outputs[name] for way, name in names.items()}


def test_every_way_answers_as_the_network_that_was_trained(lab: Lab) -> None:
    """For the whole test set within 1e-5: the table of `./lab bench ways`, the page's and C++'s among them."""
    command = [sys.executable, "-m", "bench.ways", "-c", f"lab.name={NAME}", "--json"]
    environment = {**lab.environment, "PYTHONPATH": str(paths.ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    table = json.loads(done.stdout)
    assert {"endpoint", "lambda", "rest", "edge", "web"} <= table.keys()
    assert {row["images"] for row in table.values()} == {60}
    assert max(row["differs_by"] for row in table.values()) <= 1e-5


@pytest.mark.parametrize("way", ["rest", "lambda", "edge"])
def test_every_way_shows_the_same_bars(lab: Lab, photo: Path, way: str) -> None:
    """Of the same model; and how unlike its training images a photo is, is told alike."""
    [ours], [theirs] = asked(lab, photo, "--via", way), asked(lab, photo)
    assert ours.keys() == theirs.keys() == {"class", "label", "probability", "probabilities", "novelty", "known"}
    assert (ours["label"], ours["known"]) == (theirs["label"], theirs["known"])
    assert ours["novelty"] == pytest.approx(theirs["novelty"], rel=1e-4)
    assert lab("predict", *SETTINGS, str(photo), "--via", way) == lab("predict", *SETTINGS, str(photo))


@pytest.mark.parametrize("case", BROKEN)
def test_what_can_not_be_read_is_refused_in_the_same_words(lab: Lab, post: Callable[..., Answer], case: str) -> None:
    """By the endpoint, the API, the function: 4xx, and one sentence."""
    body, content_type, says = BROKEN[case]
    with pytest.raises(ClientError) as refused:
        lab.client("sagemaker-runtime").invoke_endpoint(EndpointName=NAME, ContentType=content_type, Body=body)
    said = sentence(refused.value)
    assert said.startswith(says)
    assert said.endswith(".")
    answer = post(body, content_type)
    assert (answer.status, json.loads(answer.content)) == (400, {"error": said})
    with pytest.raises(FailedRequestError) as from_function:
        function(lab).ask(body, content_type, notice=print)
    assert str(from_function.value) == said


def test_a_device_refuses_in_these_words_and_loses_nothing(lab: Lab, photo: Path, tmp_path: Path) -> None:
    """A line each: the recipe's own scripts install it and run it; what was answered ends up in the lab's bucket."""
    photos = tmp_path / "photos"
    photos.mkdir()
    endings = {PNG: "png", NPY: "npy"}
    expected = {"photo.png": ""}
    (photos / "photo.png").write_bytes(photo.read_bytes())
    for number, (body, content_type, says) in enumerate(BROKEN.values()):
        if content_type in endings:
            name = f"{number}.{endings[content_type]}"
            (photos / name).write_bytes(body)
            expected[name] = says
    edge = ("edge", str(photos), *SETTINGS, "--results", str(tmp_path / "results"))
    lines = [json.loads(line) for line in lab(*edge).splitlines()]
    assert [line["photo"]["name"] for line in lines] == sorted(expected)
    assert all(line.get("error", "").startswith(expected[line["photo"]["name"]]) for line in lines)
    [answered] = [line for line in lines if "error" not in line]
    [theirs] = asked(lab, photo)
    np.testing.assert_allclose(
        [*answered["predictions"][0]["probabilities"].values()], [*theirs["probabilities"].values()], atol=1e-5
    )
    lab(*edge, "--deliver")
    s3, bucket = lab.client("s3"), lab.outputs()["BucketName"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix="edge/")["Contents"]
    delivered = b"".join(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found)
    assert [json.loads(line) for line in delivered.splitlines()] == lines


def test_what_they_cost_is_told(lab: Lab) -> None:
    """By the request: what stands costs nothing while nobody asks."""
    told = lab("cost", *SETTINGS)
    assert "The REST API costs nothing while nobody asks, 3.50 USD for a million requests" in told
    assert "The Lambda function costs nothing while nobody asks, 0.20 USD for a million requests" in told


def test_who_may_not_ask_is_told_so(lab: Lab, post: Callable[..., Answer]) -> None:
    """The API's key is missing or wrong; nobody has signed a request to the function."""
    for wrong in ("wrong", ""):
        answer = post(b"x", x_api_key=wrong)
        assert answer.status == 403
        assert json.loads(answer.content)["error"].startswith("There is no API key of this lab")
    answer = HttpClient(session(lab)).send(
        "POST", lab.outputs()["FunctionUrl"], headers={"Content-Type": PNG}, body=b"x"
    )
    assert (answer.status, set(json.loads(answer.content))) == (403, {"Message"})


def test_predict_names_what_refuses(lab: Lab, tmp_path: Path) -> None:
    """The file's own fault by the model's sentence, whichever way it is asked."""
    file = tmp_path / "cut.png"
    file.write_bytes(BROKEN["truncated"][0])
    for way in ("endpoint", "rest", "lambda", "edge"):
        said = lab("predict", *SETTINGS, str(file), "--via", way, code=1)
        assert f"{file}: the model refused it: The body is not a whole PNG or JPEG picture" in said


def test_what_is_too_large_is_refused_before_it_is_sent(lab: Lab, post: Callable[..., Answer], tmp_path: Path) -> None:
    """By `predict`, with what to do; API Gateway and Lambda say it in their own words."""
    file = tmp_path / "photo.jpg"
    file.write_bytes(bytes(4_500_001))
    for way in ("rest", "lambda"):
        said = lab("predict", *SETTINGS, str(file), "--via", way, code=1)
        assert "has 4,500,001 bytes; it may have 4,500,000 at most: save it smaller" in said
    assert post(bytes(5_000_000)).status == post(bytes(10_500_000)).status == 413
    with pytest.raises(FailedRequestError, match="Request must be smaller than 6291456 bytes"):
        function(lab).ask(bytes(5_000_000), PNG, notice=print)


def test_too_many_requests_are_put_off(lab: Lab, post: Callable[..., Answer]) -> None:
    """By the plan, for a moment, in a sentence."""
    plans = lab.client("apigateway")
    [plan] = plans.get_usage_plans()["items"]

    def set_to(rate: str, burst: str) -> None:
        values = {"/throttle/rateLimit": rate, "/throttle/burstLimit": burst}
        operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
        plans.update_usage_plan(usagePlanId=plan["id"], patchOperations=operations)

    set_to("0.001", "1")
    answers = [post(b"x") for _ in range(3)]
    set_to("10000", "10000")
    assert [each.status for each in answers][1:] == [429, 429]
    assert json.loads(answers[1].content) == {"error": "Too many requests a second: try again in a moment."}


@pytest.mark.parametrize("phase", ["examples", "coverage"])
def test_the_document_holds(lab: Lab, tmp_path: Path, phase: str) -> None:
    """Schemathesis sends its examples, and what it thinks up, and holds each answer to the document.

    It can't think up 48 rows of 48 numbers in any time, so there pictures are smaller, and refused.
    """
    document = json.loads(DOCUMENT.read_text())
    if phase == "coverage":
        row = {"type": "array", "items": {"type": "number"}, "maxItems": 2}
        document["components"]["schemas"]["Image"] = {"type": "array", "items": row, "maxItems": 2}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(file), "--phases", phase),
            *("--url", lab.outputs()["RestUrl"].removesuffix("/predictions"), "--header", f"x-api-key: {key(lab)}"),
            *("--exclude-checks", "unsupported_method,positive_data_acceptance,missing_required_header"),
            *("--request-timeout", "60", "--no-color"),
        ],
        cwd=tmp_path,  # it leaves a folder where it runs
        env={**os.environ, **session(lab).variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_each_request_stands_in_the_access_log(lab: Lab, post: Callable[..., Answer], photo: Path) -> None:
    """By the id that its answer has, with who asked."""
    answer = post(photo.read_bytes())
    identity = dict(answer.headers)["x-amzn-requestid"]
    logs = lab.client("logs")
    groups = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
    [group] = [each for each in groups if "RestAccessLog" in each]
    [event] = logs.filter_log_events(logGroupName=group, filterPattern=f'"{identity}"')["events"]
    line = json.loads(event["message"])
    assert (line["status"], line["path"]) == ("200", "/v1/predictions")
    assert line["apiKeyId"] == lab.outputs()["RestKeyId"]


def test_the_page_answers_by_itself_and_by_the_api(lab: Lab, page: Page, data: Path, tmp_path: Path) -> None:
    """From CloudFront, under its name; both ways as the endpoint does, for a picture of the test set."""
    photo = tmp_path / "brick.png"
    photo.write_bytes(encoded(np.load(data / "lego-simple-test-images.npy")[3]))
    requests: list[tuple[str, str]] = []
    page.on("request", lambda request: requests.append((request.method, request.url)))
    url = lab.outputs()["WebUrl"]
    page.goto(f"{url}#key={key(lab)}")
    page.get_by_label("Choose a photo").set_input_files(photo)
    page.wait_for_selector("#bars .best")
    wanted = [*asked(lab, photo)[0]["probabilities"].values()]
    by_itself = json.loads(page.locator("#bars").get_attribute("data-probabilities") or "")
    assert np.abs(np.array(by_itself) - wanted).max() <= 1e-5
    assert {method for method, _ in requests} == {"GET"}
    with page.expect_response(f"{url}predictions") as answered:
        page.get_by_label("The lab's REST API").check()
    assert answered.value.status == 200
    page.wait_for_selector("#bars .best")
    by_the_api = json.loads(page.locator("#bars").get_attribute("data-probabilities") or "")
    assert by_the_api == pytest.approx(wanted, abs=1e-7)
    assert all(each.startswith(url) for _, each in requests if not each.startswith("blob:"))


def test_the_page_lets_nothing_else_in(lab: Lab) -> None:
    """Its headers say so; of its bucket nobody gets anything but by CloudFront."""
    outputs, client = lab.outputs(), HttpClient(session(lab))
    headers = {name.lower(): value for name, value in client.send("GET", outputs["WebUrl"], headers={}).headers}
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    [bucket] = [each["Name"] for each in lab.client("s3").list_buckets()["Buckets"] if "web" in each["Name"]]
    for name in ("index.html", "model/weights.bin"):
        direct = client.send("GET", f"https://{bucket}.s3.us-east-1.amazonaws.com/{name}", headers={})
        assert direct.status == 403


def test_web_serves_it_on_this_machine(lab: Lab, page: Page, photo: Path) -> None:
    """At an address that any browser reaches, with the key, until Ctrl-C."""
    command = [sys.executable, "-m", "cli", "web", *SETTINGS, "--no-browser", "--json"]
    environment = {**lab.environment, "PYTHONPATH": str(paths.ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = json.loads("".join(process.stdout.readline() for _ in range(3)))["url"]
        page.goto(url)
        page.get_by_label("The lab's REST API").check()
        page.get_by_label("Choose a photo").set_input_files(photo)
        page.wait_for_selector("#bars .best")
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0


def test_down_leaves_nothing_of_them(lab: Lab) -> None:
    """No function, component, API, key or distribution, and the account's role for logs as it was: not there."""
    lab("down", *SETTINGS, "--keep-aws")
    assert not lab.client("lambda").list_functions()["Functions"]
    assert not lab.client("greengrassv2").list_components(scope="PRIVATE")["components"]
    rest, cloudfront = lab.client("apigateway"), lab.client("cloudfront")
    assert not rest.get_rest_apis()["items"]
    assert not rest.get_api_keys()["items"]
    assert not rest.get_account().get("cloudwatchRoleArn")
    assert not cloudfront.list_distributions()["DistributionList"].get("Items")
    assert not cloudfront.list_origin_access_controls()["OriginAccessControlList"].get("Items")


def test_without_aws_the_component_that_is_here_answers(lab: Lab, photo: Path, tmp_path: Path) -> None:
    """After `down` nothing of the lab is left but what the device has."""
    lab("down", *SETTINGS)
    [line] = lab("edge", str(photo.parent), *SETTINGS, "--results", str(tmp_path / "results")).splitlines()
    assert json.loads(line)["predictions"]
