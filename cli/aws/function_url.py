"""The lab's Lambda function, asked at its URL with the user's own credentials."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cli.aws import answers
from cli.aws.http_client import HttpClient
from cli.ui.errors import LabError
from infra.rest import LARGEST_BODY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cli.aws.session import Session


class FunctionUrl:
    """Answers as the endpoint does, by the same model in LiteRT's form. Raises LabError if the lab has none."""

    largest = LARGEST_BODY

    def __init__(self, session: Session, outputs: Mapping[str, str]) -> None:
        if "FunctionUrl" not in outputs:
            raise LabError("The lab has no Lambda function: `./lab up -c lab.serve_also=lambda` makes one.")
        self.called = f"the Lambda function at {outputs['FunctionUrl']}"
        self._session, self._url = session, outputs["FunctionUrl"]

    @cached_property
    def _http(self) -> HttpClient:
        return HttpClient(self._session)

    @cached_property
    def _credentials(self) -> Credentials:
        variables = self._session.variables
        if "AWS_ACCESS_KEY_ID" in variables:
            return Credentials(
                variables["AWS_ACCESS_KEY_ID"],
                variables["AWS_SECRET_ACCESS_KEY"],
                variables.get("AWS_SESSION_TOKEN"),
            )
        found = boto3.Session().get_credentials()
        assert found  # noqa: S101 - the session was opened with them
        return found

    def ask(self, body: bytes, content_type: str, *, notice: Callable[[str], None]) -> bytes:
        """Return the answer. Raises FailedRequestError with the function's own sentence, NoAnswerError if it failed."""
        del notice  # it answers at once
        request = AWSRequest("POST", self._url, data=body, headers={"Content-Type": content_type})
        SigV4Auth(self._credentials, "lambda", self._session.region).add_auth(request)
        return answers.content(lambda: self._http.send("POST", self._url, headers=dict(request.headers), body=body))
