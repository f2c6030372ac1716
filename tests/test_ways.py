"""The lab's model behind a REST API and in a web page, as whoever calls them meets them, from `./lab up` to `down`."""

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
from PIL import Image

from bench.support import browser
from cli import paths
from cli.aws.http_client import HttpClient
from cli.aws.session import Session, Target
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from cli.aws.http_client import Answer
    from tests.conftest import Lab

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "ways"
SETTINGS = ["-c", f"lab.name={NAME}", "-c", "lab.seats=0", "-c", "lab.epochs=2", "-c", "lab.serve_also=rest,web"]
DOCUMENT = paths.ROOT / "docs" / "openapi.json"


@pytest.fixture(scope="module", autouse=True)
def enforced(lab: Lab) -> None:
    """Policies are enforced, so that a permission that somebody lacks fails a test here."""
    lab.environment["BRICKLAB_ENFORCE_IAM"] = "1"


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of something."""
    pixels = np.random.default_rng(5).integers(150, 200, (200, 300, 3), dtype=np.uint8)
    pixels[60:140, 90:220] = (30, 60, 160)
    file = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.fromarray(pixels).save(file)
    return file


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
    proxy = session(lab).variables["HTTPS_PROXY"]
    with browser.headless(f"--proxy-server={proxy}", "--proxy-bypass-list=127.0.0.1") as running:
        opened = running.new_context(ignore_https_errors=True).new_page()
        wrong: list[str] = []
        opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        yield opened
        assert not wrong


def asked(lab: Lab, photo: Path, *options: str) -> Any:
    """What `predict` prints for programs."""
    return json.loads(lab("predict", *SETTINGS, str(photo), "--json", *options))[str(photo)]


def test_up_makes_an_api_and_a_page(lab: Lab) -> None:
    """Beside the endpoint, in its stack."""
    lab("up", *SETTINGS)
    outputs = lab.outputs()
    assert re.fullmatch(r"https://\w+\.execute-api\.us-east-1\.amazonaws\.com/v1/predictions", outputs["RestUrl"])
    assert re.fullmatch(r"https://\w+\.cloudfront\.net/", outputs["WebUrl"])
    state = json.loads(lab("status", *SETTINGS, "--json"))
    assert state["ways"] == {"rest": outputs["RestUrl"], "web": outputs["WebUrl"]}


def test_the_api_answers_as_the_endpoint(lab: Lab, photo: Path) -> None:
    """The same probabilities, from the same model, shown as the same bars."""
    assert asked(lab, photo, "--via", "rest") == asked(lab, photo)
    assert lab("predict", *SETTINGS, str(photo), "--via", "rest") == lab("predict", *SETTINGS, str(photo))


def test_what_it_does_not_take_it_refuses_in_a_sentence(post: Callable[..., Answer], photo: Path) -> None:
    """The endpoint's own where it is about the picture."""
    small = io.BytesIO()
    Image.new("L", (20, 30)).save(small, "PNG")
    for answer, status, says in (
        (post(b""), 400, "The body is not a whole PNG or JPEG picture"),
        (post(photo.read_bytes()[:-40]), 400, "The body is not a whole PNG or JPEG picture"),
        (post(small.getvalue()), 400, "The picture has 20x30 pixels; it needs 48x48 or more."),
        (post(b"{", "application/json"), 400, "The body is not JSON of the form"),
        (post(b"x", "text/plain"), 400, "Content-Type is 'text/plain'; send one of "),
        (post(b"x", "application/x-npy"), 400, "The body is not a whole .npy file"),
        (post(b"x", x_api_key="wrong"), 403, "There is no API key of this lab"),
        (post(b"x", x_api_key=""), 403, "There is no API key of this lab"),
    ):
        assert answer.status == status, answer
        assert json.loads(answer.content)["error"].startswith(says)


def test_what_is_too_large_is_refused_before_it_is_sent(lab: Lab, post: Callable[..., Answer], tmp_path: Path) -> None:
    """By `predict`, with what to do; API Gateway and Lambda say it in their own words."""
    file = tmp_path / "photo.jpg"
    file.write_bytes(bytes(4_500_001))
    said = lab("predict", *SETTINGS, str(file), "--via", "rest", code=1)
    assert "has 4,500,001 bytes; it may have 4,500,000 at most: save it smaller" in said
    assert post(bytes(5_000_000)).status == post(bytes(10_500_000)).status == 413


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


def test_the_documents_examples_hold(lab: Lab) -> None:
    """Schemathesis sends them, and what it thinks up, and holds each answer to the document."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(DOCUMENT)),
            *("--url", lab.outputs()["RestUrl"].removesuffix("/predictions"), "--header", f"x-api-key: {key(lab)}"),
            *("--phases", "examples,coverage"),
            *("--exclude-checks", "unsupported_method,positive_data_acceptance,missing_required_header"),
            *("--request-timeout", "60", "--no-color"),
        ],
        env={**os.environ, **session(lab).variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


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


def test_the_page_answers_by_itself_and_by_the_api(lab: Lab, page: Page, photo: Path) -> None:
    """From CloudFront, under its name; both ways as the endpoint does."""
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
    """No API, no key, no distribution, and the account's role for logs as it was: not there."""
    lab("down", *SETTINGS, "--keep-aws")
    rest, cloudfront = lab.client("apigateway"), lab.client("cloudfront")
    assert not rest.get_rest_apis()["items"]
    assert not rest.get_api_keys()["items"]
    assert not rest.get_account().get("cloudwatchRoleArn")
    assert not cloudfront.list_distributions()["DistributionList"].get("Items")
    assert not cloudfront.list_origin_access_controls()["OriginAccessControlList"].get("Items")
