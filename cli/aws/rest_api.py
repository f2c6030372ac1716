"""The lab's REST API, asked with the lab's own key."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from cli.aws import answers
from cli.aws.http_client import HttpClient
from cli.ui.errors import LabError
from infra.rest import KEY_HEADER, LARGEST_BODY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cli.aws.session import Session


class RestApi:
    """Answers as the endpoint does. Raises LabError if the lab has none."""

    largest = LARGEST_BODY

    def __init__(self, session: Session, outputs: Mapping[str, str]) -> None:
        if "RestUrl" not in outputs:
            raise LabError("The lab has no REST API: `./lab up -c lab.serve_also=rest` makes one.")
        self.called = f"the REST API at {outputs['RestUrl']}"
        self._session, self._url, self._key_id = session, outputs["RestUrl"], outputs["RestKeyId"]

    @cached_property
    def key(self) -> str:
        """The API key's value."""
        found: str = self._session.client("apigateway").get_api_key(apiKey=self._key_id, includeValue=True)["value"]
        return found

    @cached_property
    def _http(self) -> HttpClient:
        return HttpClient(self._session)

    def ask(self, body: bytes, content_type: str, *, notice: Callable[[str], None]) -> bytes:
        """Return the answer. Raises FailedRequestError with the API's own sentence, NoAnswerError if it failed."""
        del notice  # it answers at once
        headers = {"Content-Type": content_type, KEY_HEADER: self.key}
        return answers.content(lambda: self._http.send("POST", self._url, headers=headers, body=body))
