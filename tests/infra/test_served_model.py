"""The look at an endpoint after its update, driven with CloudFormation's events; AWS answers as botocore's stubs."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from infra.handlers.served_model.handler import Look, ServedModelError, black_picture, work

if TYPE_CHECKING:
    import boto3

    from tests.infra.conftest import Clock

NAME, ASKED, BEFORE = "bricklab", "Config-2", "Config-1"
ARTIFACT = "s3://bucket/training/job/output/model.tar.gz"
RECEIPT = b'{"weights_sha256": "ab"}'
MODEL = hashlib.sha256(RECEIPT).hexdigest()[:16]
ALARMS = ["bricklab-rollout-errors", "bricklab-rollout-latency"]
ARN = f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/{NAME}"
THEN = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
OUTPUT = {"S3OutputPath": "s3://bucket/async/output", "S3FailurePath": "s3://bucket/async/failure"}


class Driver:
    """A look with stubbed clients."""

    def __init__(self, session: boto3.Session, clock: Clock) -> None:
        names = {"sagemaker": "sagemaker", "runtime": "sagemaker-runtime", "s3": "s3", "cloudwatch": "cloudwatch"}
        clients: dict[str, Any] = {key: session.client(name) for key, name in names.items()}  # type: ignore[call-overload]
        self.on = {key: Stubber(client) for key, client in clients.items()}
        for stubber in self.on.values():
            stubber.activate()
        self._look = Look(**clients, now=clock.now, sleep=clock.sleep)

    def __call__(self, kind: str = "Update", **properties: Any) -> dict[str, Any]:
        """What CloudFormation is told; every answer of the stubs has been asked for then."""
        given = {"EndpointName": NAME, "EndpointConfigName": ASKED, "Artifact": ARTIFACT, "Alarms": ALARMS}
        event = {"RequestType": kind, "PhysicalResourceId": NAME, "ResourceProperties": {**given, **properties}}
        try:
            return work(event, look=self._look)
        finally:
            for stubber in self.on.values():
                stubber.assert_no_pending_responses()

    def described(self, status: str = "InService", config: str = ASKED, **more: Any) -> None:
        """Answer a description."""
        answer = {
            "EndpointName": NAME,
            "EndpointArn": ARN,
            "EndpointConfigName": config,
            "EndpointStatus": status,
            "CreationTime": THEN,
            "LastModifiedTime": THEN,
            **more,
        }
        self.on["sagemaker"].add_response("describe_endpoint", answer, {"EndpointName": NAME})

    def artifact(self, files: dict[str, bytes]) -> None:
        """Answer an archive with these files."""
        self.on["s3"].add_response(
            "get_object", {"Body": body(archive(files))}, {"Bucket": "bucket", "Key": ARTIFACT.partition("bucket/")[2]}
        )

    def answers(self, document: Any) -> None:
        """Answer a question."""
        expected = {
            "EndpointName": NAME,
            "ContentType": "application/x-npy",
            "Accept": "application/json",
            "Body": black_picture(),
        }
        self.on["runtime"].add_response("invoke_endpoint", {"Body": body(json.dumps(document).encode())}, expected)

    def refuses(self, code: str, message: str = "no") -> None:
        """Refuse a question."""
        self.on["runtime"].add_client_error("invoke_endpoint", code, message, http_status_code=424)


def archive(files: dict[str, bytes]) -> bytes:
    """A model.tar.gz."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return file.getvalue()


def body(content: bytes) -> StreamingBody:
    """An answer's stream."""
    return StreamingBody(io.BytesIO(content), len(content))


@pytest.fixture
def driver(session: boto3.Session, clock: Clock) -> Driver:
    """A look of its own for each test."""
    return Driver(session, clock)


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_it_is_content_with_what_was_asked_for(driver: Driver, kind: str) -> None:
    """The config serves, and the answer bears the hash of the artifact's receipt, wherever in the archive that is."""
    driver.described("Updating", BEFORE)
    driver.described("Creating")
    driver.described()
    driver.artifact({"./1/saved_model.pb": b"x" * 5000, "./receipt.json": RECEIPT})
    driver.answers({"predictions": [], "model": MODEL})
    assert driver(kind) == {"PhysicalResourceId": NAME, "Data": {"Model": MODEL}}


def test_a_deletion_asks_nothing(driver: Driver) -> None:
    """There is nothing to undo, and the endpoint may be gone."""
    assert driver("Delete") == {"PhysicalResourceId": NAME}


def test_a_silent_rollback_fails_with_the_alarm_s_name(driver: Driver) -> None:
    """InService, no FailureReason, the config from before: the deployment fails, and says which alarm went off."""
    driver.described(config=BEFORE)
    alarms = [{"AlarmName": name, "AlarmConfigurationUpdatedTimestamp": THEN, "StateValue": "OK"} for name in ALARMS]
    driver.on["cloudwatch"].add_response("describe_alarms", {"MetricAlarms": alarms}, {"AlarmNames": ALARMS})
    went_off = {
        "AlarmName": ALARMS[0],
        "Timestamp": THEN,
        "HistoryItemType": "StateUpdate",
        "HistorySummary": "Alarm updated from OK to ALARM",
        "HistoryData": json.dumps({"newState": {"stateReason": "Threshold Crossed: 1 datapoint [0.5] was greater."}}),
    }
    quiet = {**went_off, "HistorySummary": "Alarm updated from ALARM to OK"}
    for name, items in zip(ALARMS, ([quiet, went_off], []), strict=True):
        expected = {"AlarmName": name, "HistoryItemType": "StateUpdate", "StartDate": THEN}
        driver.on["cloudwatch"].add_response("describe_alarm_history", {"AlarmHistoryItems": items}, expected)
    with pytest.raises(ServedModelError) as caught:
        driver()
    said = str(caught.value)
    assert f"serves the config {BEFORE}, and not {ASKED}" in said
    assert f"{ALARMS[0]} went off at 12:00:00 UTC (Threshold Crossed" in said
    assert ALARMS[1] not in said
    assert "What served before serves on" in said


def test_a_rollback_with_a_reason_says_it(driver: Driver) -> None:
    """Where nothing waits there are no alarms to be asked for."""
    driver.described(config=BEFORE, FailureReason="The primary container did not pass the ping health check.")
    with pytest.raises(ServedModelError, match="did not pass the ping health check"):
        driver(Alarms=[])


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_an_endpoint_that_does_not_serve_fails(driver: Driver, status: str) -> None:
    """With its state and its own reason."""
    driver.described(status, FailureReason="No capacity.")
    with pytest.raises(ServedModelError, match=f"is {status}: No capacity"):
        driver()


@pytest.mark.parametrize(
    ("answer", "said"),
    [({"predictions": [], "model": "0123456789abcdef"}, "0123456789abcdef, and not"), ({}, "does not say which")],
)
def test_another_model_that_answers_fails(driver: Driver, answer: Any, said: str) -> None:
    """The config's name alone proves nothing."""
    driver.described()
    driver.artifact({"receipt.json": RECEIPT})
    driver.answers(answer)
    with pytest.raises(ServedModelError, match=said):
        driver()


def test_an_algorithm_is_known_by_its_config_and_the_form_of_its_answer(driver: Driver) -> None:
    """No artifact is read, for its answers bear no hash; one in another form fails the deployment."""
    driver.described()
    driver.answers({"predictions": [{"closest_cluster": 7.0, "distance_to_cluster": 3.0}]})
    answers = ["closest_cluster", "distance_to_cluster"]
    assert driver(Answers=answers)["Data"] == {"Model": ARTIFACT}
    driver.described()
    driver.answers({"predictions": [{"label": "2x3 Brick"}], "model": MODEL})
    with pytest.raises(ServedModelError, match="has no closest_cluster and no distance_to_cluster"):
        driver(Answers=answers)


def test_an_artifact_without_a_receipt_is_named(driver: Driver) -> None:
    """A team's own train.py may not write one."""
    driver.described()
    driver.artifact({"1/saved_model.pb": b""})
    with pytest.raises(ServedModelError, match=r"no receipt\.json in s3://bucket"):
        driver()


def test_it_asks_again_while_the_endpoint_is_not_ready(driver: Driver) -> None:
    """Throttling and a cold start pass; the model's own refusal does not."""
    for code in ("ThrottlingException", "ModelNotReadyException", "ServiceUnavailable"):
        driver.described()
        driver.artifact({"receipt.json": RECEIPT})
        driver.refuses(code)
        driver.answers({"model": MODEL})
        assert driver()["Data"] == {"Model": MODEL}
    driver.described()
    driver.artifact({"receipt.json": RECEIPT})
    driver.refuses("ModelError", "Received server error (500)")
    with pytest.raises(ServedModelError, match=r"does not answer: .*server error \(500\)"):
        driver()


def test_it_gives_up_before_its_function_does(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update that goes on and on is said to, and the function has time left to say it."""
    monkeypatch.setattr("infra.handlers.served_model.handler._SECONDS", 3)
    for _ in range(5):
        driver.described("Updating")
    with pytest.raises(ServedModelError, match="is still Updating, 3 s after its update"):
        driver()


def test_an_asynchronous_endpoint_is_asked_through_the_bucket(driver: Driver) -> None:
    """The request goes beside the answers, and the answer is waited for."""
    driver.described(AsyncInferenceConfig={"OutputConfig": OUTPUT})
    driver.artifact({"receipt.json": RECEIPT})
    send(driver)
    driver.on["s3"].add_client_error("get_object", "NoSuchKey", http_status_code=404)
    driver.on["s3"].add_client_error("get_object", "AccessDenied", http_status_code=403)
    answered = {"Body": body(json.dumps({"model": MODEL}).encode())}
    driver.on["s3"].add_response("get_object", answered, {"Bucket": "bucket", "Key": "async/output/1.out"})
    assert driver()["Data"] == {"Model": MODEL}


def test_an_asynchronous_failure_is_told(driver: Driver) -> None:
    """What SageMaker wrote to the failure's object is the reason."""
    driver.described(AsyncInferenceConfig={"OutputConfig": OUTPUT})
    driver.artifact({"receipt.json": RECEIPT})
    send(driver)
    driver.on["s3"].add_client_error("get_object", "NoSuchKey", http_status_code=404)
    failure = {"Body": body(b"Received server error (500) from primary.\n")}
    driver.on["s3"].add_response("get_object", failure, {"Bucket": "bucket", "Key": "async/failure/1-error.out"})
    with pytest.raises(ServedModelError, match=r"does not answer: Received server error \(500\) from primary\."):
        driver()


def send(driver: Driver) -> None:
    """Expect a request, and take it."""
    put = {"Bucket": "bucket", "Key": ANY, "Body": black_picture(), "ContentType": "application/x-npy"}
    driver.on["s3"].add_response("put_object", {}, put)
    taken = {
        "InferenceId": "1",
        "OutputLocation": "s3://bucket/async/output/1.out",
        "FailureLocation": "s3://bucket/async/failure/1-error.out",
    }
    expected = dict.fromkeys(("EndpointName", "ContentType", "Accept", "InputLocation"), ANY)
    driver.on["runtime"].add_response("invoke_endpoint_async", taken, expected)


def test_the_black_picture_is_an_array() -> None:
    """It is written without NumPy, and NumPy reads it."""
    read = np.load(io.BytesIO(black_picture()), allow_pickle=False)
    assert (read.shape, read.dtype, read.sum()) == ((48, 48), np.uint8, 0)
