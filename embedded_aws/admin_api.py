"""Operations for the owner of an embedded AWS, which nobody has on AWS, below a path of its own, `/_embedded_aws/`.

`POST training-jobs/NAME/interrupt` takes a training job's spot instances away, as EC2 does without asking.
`POST accounts/NUMBER/close` ends all that runs in an account, and forgets all that it holds.
`POST restored` tells what has not come back since the last start: `pending` will still, `lost` won't.
Whoever asks brings the owner's token (admin_token.py): no other request comes here.
"""

from __future__ import annotations

import asyncio
import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from embedded_aws.services.sagemaker.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Response = tuple[int, dict[str, str], bytes]

PREFIX = "/_embedded_aws/"


class AdminApi:
    """Answers the requests below PREFIX.

    `interrupt` takes the spot instances of the training job of a name away, `close_account` closes that of a number,
    `restored` returns what has not come back.
    """

    def __init__(
        self,
        interrupt: Callable[[str], object],
        close_account: Callable[[str], object],
        restored: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._restored = restored
        self._operations = (
            (re.compile(f"{PREFIX}training-jobs/([^/]+)/interrupt"), "TrainingJobName", interrupt),
            (re.compile(rf"{PREFIX}accounts/(\d{{12}})/close"), "AccountId", close_account),
        )

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Response:
        """Answer one HTTP request with a JSON object; a refusal has `__type` and `message`."""
        del headers, body, query
        if (method, path) == ("POST", f"{PREFIX}restored"):
            return _answer(HTTPStatus.OK, self._restored())
        for pattern, member, act in self._operations:
            if method == "POST" and (asked := pattern.fullmatch(path)):
                return await _carry_out(act, member, unquote(asked[1]))
        message = f"The embedded AWS has no operation {method} {path} of its own."
        return _answer(HTTPStatus.NOT_FOUND, _refusal("UnknownOperationException", message))


async def _carry_out(act: Callable[[str], object], member: str, name: str) -> Response:
    try:
        await asyncio.to_thread(act, name)
    except ServiceError as error:
        return _answer(error.status, _refusal(error.code, error.message))
    return _answer(HTTPStatus.OK, {member: name})


def _refusal(code: str, message: str) -> dict[str, str]:
    return {"__type": code, "message": message}


def _answer(status: int, document: Mapping[str, Any]) -> Response:
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()
