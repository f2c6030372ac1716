"""The REST API's function, driven with API Gateway's events, and the account's role; AWS answers as a stub."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from infra.handlers.rest_api import handler, log_role

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from tests.infra.conftest import Clock

OURS, THEIRS = "arn:aws:iam::111122223333:role/ours", "arn:aws:iam::111122223333:role/theirs"
SENTENCE = "The picture has 8x8 pixels; it needs 48x48 or more."


@pytest.fixture
def runtime(session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """The client that the function asks with."""
    monkeypatch.setenv("ENDPOINT_NAME", "bricklab")
    stubber = Stubber(session.client("sagemaker-runtime"))
    stubber.activate()
    return stubber


def answered(runtime: Stubber, body: bytes = b"x", content_type: str = "image/png") -> tuple[int, Any]:
    """The function's answer to a picture."""
    found = handler.answer(body, content_type, runtime=runtime.client)
    return found["statusCode"], json.loads(found["body"])


def test_the_endpoints_answer_comes_back_as_it_is(runtime: Stubber) -> None:
    """And the picture goes there as it came, out of its base64."""
    event = {"body": base64.b64encode(b"\x89PNG").decode(), "isBase64Encoded": True}
    assert handler.body_of(event) == b"\x89PNG"
    assert handler.body_of({"body": "[…]", "isBase64Encoded": False}) == "[…]".encode()
    body = StreamingBody(io.BytesIO(b'{"predictions": []}'), 19)
    runtime.add_response(
        "invoke_endpoint",
        {"Body": body},
        {"EndpointName": "bricklab", "ContentType": "image/png", "Accept": "application/json", "Body": b"\x89PNG"},
    )
    assert answered(runtime, b"\x89PNG") == (200, {"predictions": []})


@pytest.mark.parametrize(
    ("code", "original", "status", "says"),
    [
        ("ModelError", json.dumps({"error": SENTENCE}), 400, SENTENCE),
        ("ModelError", "Traceback …", 502, "gave no answer"),
        ("ModelError", json.dumps(["error"]), 502, "gave no answer"),
        ("ModelNotReadyException", "", 503, "gave no answer"),
        ("ThrottlingException", "", 503, "gave no answer"),
        ("ValidationError", "", 503, "./lab resume"),
        ("InternalFailure", "", 502, "gave no answer"),
    ],
)
def test_a_refusal_is_one_sentence(runtime: Stubber, code: str, original: str, status: int, says: str) -> None:
    """The model's own where it is about the picture; of all else one that says what to do."""
    more = {"OriginalMessage": original, "OriginalStatusCode": 500}
    runtime.add_client_error("invoke_endpoint", code, modeled_fields=more if code == "ModelError" else None)
    found, body = answered(runtime)
    assert found == status
    assert list(body) == ["error"]
    assert says in body["error"]


def test_an_endpoint_that_is_silent_is_said_to_be(runtime: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before API Gateway gives the function up."""

    def silent(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://runtime.sagemaker")

    monkeypatch.setattr(runtime.client, "invoke_endpoint", silent)
    assert answered(runtime)[0] == 504


class Account:
    """API Gateway's settings of an account, which refuses a role for as many times."""

    def __init__(self, role: str | None, *, refuses: int = 0) -> None:
        self.role, self._refuses = role, refuses

    def get_account(self) -> dict[str, Any]:
        """As API Gateway answers."""
        return {"cloudwatchRoleArn": self.role} if self.role else {}

    def update_account(self, *, patchOperations: list[dict[str, str]]) -> None:  # noqa: N803 boto3's name
        """As API Gateway does."""
        if self._refuses:
            self._refuses -= 1
            message = "The role ARN does not have required permissions configured."
            raise ClientError({"Error": {"Code": "BadRequestException", "Message": message}}, "UpdateAccount")
        self.role = patchOperations[0].get("value")
        if self.role == "":
            message = "The role ARN is not well formed"
            raise ClientError({"Error": {"Code": "BadRequestException", "Message": message}}, "UpdateAccount")


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("Create", None, OURS),
        ("Create", THEIRS, THEIRS),
        ("Update", THEIRS, THEIRS),
        ("Delete", OURS, None),
        ("Delete", THEIRS, THEIRS),
        ("Delete", None, None),
    ],
)
def test_the_accounts_role_is_nobodys_loss(clock: Clock, kind: str, before: str | None, after: str | None) -> None:
    """It is set where there is none, taken away if it is the lab's, and else left alone."""
    account = Account(before)
    event = {"RequestType": kind, "ResourceProperties": {"RoleArn": OURS}}
    log_role.work(event, api_gateway=account, now=clock.now, sleep=clock.sleep)
    assert account.role == after


@pytest.mark.parametrize(("refuses", "works"), [(3, True), (1000, False)])
def test_a_new_role_is_waited_for(clock: Clock, refuses: int, works: bool) -> None:  # noqa: FBT001 parametrised
    """As long as IAM may take to tell of it, and no longer."""
    account = Account(None, refuses=refuses)
    event = {"RequestType": "Create", "ResourceProperties": {"RoleArn": OURS}}
    work: Callable[[], Any] = lambda: log_role.work(event, api_gateway=account, now=clock.now, sleep=clock.sleep)  # noqa: E731
    if works:
        work()
        assert account.role == OURS
    else:
        with pytest.raises(ClientError, match="required permissions"):
            work()
