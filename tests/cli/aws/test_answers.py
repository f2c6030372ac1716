"""What an HTTP answer of the model comes to: its content, a fault of the picture's, or none."""

from __future__ import annotations

import pytest

from cli.aws import answers
from cli.aws.endpoint import FailedRequestError, NoAnswerError
from cli.aws.http_client import Answer


def content(status: int, body: bytes) -> bytes:
    """What it comes to."""
    return answers.content(lambda: Answer(status, [], body))


def test_an_answer_is_its_content() -> None:
    """As it is."""
    assert content(200, b"{}") == b"{}"


@pytest.mark.parametrize("status", [400, 413])
def test_a_fault_of_the_pictures_is_a_refusal(status: int) -> None:
    """By its own sentence; another picture may do."""
    with pytest.raises(FailedRequestError, match=r"^Too dark\.$"):
        content(status, b'{"error": "Too dark."}')


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (403, b'{"Message": "Forbidden"}', "Forbidden"),
        (429, b'{"error": "Too many requests a second: try again in a moment."}', "Too many requests a second"),
        (502, b'{"message": "Internal Server Error"}', "Internal Server Error"),
        (503, b"<html>", "it answered with status 503"),
    ],
)
def test_what_no_other_picture_would_be_spared_is_no_answer(status: int, body: bytes, says: str) -> None:
    """Who may not ask, asks too often, or meets a failure."""
    with pytest.raises(NoAnswerError, match=says):
        content(status, body)


def test_nobody_there_is_no_answer() -> None:
    """With the system's own reason."""

    def send() -> Answer:
        raise ConnectionRefusedError("refused")

    with pytest.raises(NoAnswerError, match="refused"):
        answers.content(send)
