"""The lab's endpoint as it is described and asked, in each hosting; AWS answers as botocore's stubs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from cli.aws import endpoint
from cli.aws.session import Session, Target
from infra.settings import read

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "bricklab"
ARN = f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/{NAME}"
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
OUTPUT = {"S3OutputPath": "s3://bucket/async/output", "S3FailurePath": "s3://bucket/async/failure"}
TAKEN = {
    "InferenceId": "1",
    "OutputLocation": "s3://bucket/async/output/1.out",
    "FailureLocation": "s3://bucket/async/failure/1-error.out",
}


@pytest.mark.parametrize(
    ("described", "hosting"),
    [
        ({"ProductionVariants": [{"CurrentInstanceCount": 1}]}, "real-time"),
        ({"ProductionVariants": [{"CurrentServerlessConfig": SERVERLESS}]}, "serverless"),
        ({"PendingDeploymentSummary": {"ProductionVariants": [{"DesiredServerlessConfig": SERVERLESS}]}}, "serverless"),
        ({"AsyncInferenceConfig": {"OutputConfig": OUTPUT}, "ProductionVariants": []}, "async"),
    ],
)
def test_the_hosting_is_read_from_the_endpoint(described: dict[str, Any], hosting: str) -> None:
    """Whatever the settings say by now: it is the endpoint that is asked."""
    assert endpoint.hosting_of(described) == hosting


def test_the_stage_of_an_update_is_sagemaker_s_own() -> None:
    """Each variant's status with its message; the same stage of several variants once; nothing while none goes on."""
    baking = [{"VariantStatus": [{"Status": "Baking", "StatusMessage": "Baking for 60 seconds."}]}]
    variants = [*baking, *baking, {"VariantStatus": [{"Status": "Creating"}]}]
    described = {"PendingDeploymentSummary": {"ProductionVariants": variants}}
    assert endpoint.stage_of(described) == "Baking (Baking for 60 seconds.); Creating"
    assert endpoint.stage_of({"ProductionVariants": []}) == ""


class Asked:
    """An endpoint of a described kind, with stubbed clients."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, described: dict[str, Any]) -> None:
        session: Any = boto3.Session("test", "test", region_name="eu-west-1")
        services = ("sagemaker", "sagemaker-runtime", "s3", "cloudformation")
        self.clients = {name: session.client(name) for name in services}
        self.on = {name: Stubber(client) for name, client in self.clients.items()}
        for stubber in self.on.values():
            stubber.activate()
        whole = {
            "EndpointName": NAME,
            "EndpointArn": ARN,
            "EndpointStatus": "InService",
            "CreationTime": 0,
            "LastModifiedTime": 0,
            **described,
        }
        self.on["cloudformation"].add_response("describe_stacks", {"Stacks": []})
        self.on["sagemaker"].add_response("describe_endpoint", whole, {"EndpointName": NAME})
        monkeypatch.setattr(Session, "client", lambda _, service, **_more: self.clients[service])
        monkeypatch.setattr("cli.aws.endpoint.time.sleep", lambda _: None)
        self.notices: list[str] = []

    def ask(self) -> bytes:
        """Ask it."""
        place = Session(Target.AWS, {}, "111122223333", "eu-west-1")
        return endpoint.Endpoint(place, read({})).ask(b"photo", "image/png", notice=self.notices.append)

    def reads(self, key: str, content: bytes | None) -> None:
        """Answer a look for an object."""
        if content is None:
            self.on["s3"].add_client_error("get_object", "NoSuchKey", http_status_code=404)
        else:
            found = {"Body": StreamingBody(io.BytesIO(content), len(content))}
            self.on["s3"].add_response("get_object", found, {"Bucket": "bucket", "Key": key})


@pytest.fixture
def asynchronous(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """An asynchronous endpoint that takes a request."""
    asked = Asked(monkeypatch, {"AsyncInferenceConfig": {"OutputConfig": OUTPUT}})
    put = {"Bucket": "bucket", "Key": ANY, "Body": b"photo", "ContentType": "image/png"}
    asked.on["s3"].add_response("put_object", {}, put)
    request = {"EndpointName": NAME, "ContentType": "image/png", "Accept": "application/json", "InputLocation": ANY}
    asked.on["sagemaker-runtime"].add_response("invoke_endpoint_async", TAKEN, request)
    yield asked
    for stubber in asked.on.values():
        stubber.assert_no_pending_responses()


def test_an_asynchronous_answer_is_waited_for(asynchronous: Asked) -> None:
    """The photo goes to the bucket, and the answer comes from there; what is waited for is shown."""
    for _ in range(2):
        asynchronous.reads("async/output/1.out", None)
        asynchronous.reads("async/failure/1-error.out", None)
    asynchronous.reads("async/output/1.out", b"{}")
    assert asynchronous.ask() == b"{}"
    assert asynchronous.notices[0] == "queueing the request"
    assert asynchronous.notices[-1].startswith("queued, waiting for s3://bucket/async/output/1.out")


def test_an_asynchronous_failure_is_the_failure_s_own_words(asynchronous: Asked) -> None:
    """Read from the object that SageMaker wrote it to."""
    asynchronous.reads("async/output/1.out", None)
    asynchronous.reads("async/failure/1-error.out", b'Received server error (500): {"error": "Too dark."}')
    with pytest.raises(endpoint.FailedRequestError, match=r"Too dark\."):
        asynchronous.ask()


def test_an_answer_that_never_comes_is_not_waited_for_forever(
    asynchronous: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as SageMaker lets a request take, and no longer."""
    monkeypatch.setattr(endpoint, "_ANSWER_SECONDS", -1)
    asynchronous.reads("async/output/1.out", None)
    asynchronous.reads("async/failure/1-error.out", None)
    with pytest.raises(endpoint.NoAnswerError, match="nothing at s3://bucket"):
        asynchronous.ask()


def test_a_cold_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a serverless endpoint's first answer without knowing for what."""
    asked = Asked(monkeypatch, {"ProductionVariants": [{"VariantName": "all", "CurrentServerlessConfig": SERVERLESS}]})
    body = StreamingBody(io.BytesIO(b"{}"), 2)
    request = {"EndpointName": NAME, "ContentType": "image/png", "Accept": "application/json", "Body": b"photo"}
    asked.on["sagemaker-runtime"].add_response("invoke_endpoint", {"Body": body}, request)
    assert asked.ask() == b"{}"
    assert "cold start" in asked.notices[0]
