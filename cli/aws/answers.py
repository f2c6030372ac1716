"""What an HTTP answer of the lab's model comes to: its content, a refusal of the picture, or none."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from cli.aws.endpoint import FailedRequestError, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.aws.http_client import Answer

# The picture's own; 403 and 429, say, are nothing that another picture would be spared.
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


def content(send: Callable[[], Answer]) -> bytes:
    """Return the answer's content. Raises FailedRequestError with its own sentence, NoAnswerError if there is none."""
    try:
        answer = send()
    except OSError as error:
        raise NoAnswerError(str(error)) from None
    if answer.status < HTTPStatus.BAD_REQUEST:
        return answer.content
    sentence = _sentence(answer)
    raise FailedRequestError(sentence) if answer.status in _REFUSALS else NoAnswerError(sentence)


def _sentence(answer: Answer) -> str:
    """Return what the lab, or AWS, says."""
    try:
        said = json.loads(answer.content)
        return str(said.get("error") or said.get("message") or said["Message"])
    except (ValueError, KeyError, AttributeError):
        return f"it answered with status {answer.status}"
