"""What an execution asks of other services, as the pipeline's role: Lambda functions, queues, and files in S3.

The message of a callback step is SageMaker's guide's: token, pipelineExecutionArn, arguments, status. A function may
take ten minutes: the same guide. Not compared with AWS: the sentences of what fails; that an output which the answer
has not got is left out, and fails the step that refers to it.
"""

from __future__ import annotations

import json
import secrets
import string
import threading
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from embedded_aws.runtime import s3_uris
from embedded_aws.services.sagemaker.pipelines.references import UnresolvedError, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.pipelines.definition import Step
    from embedded_aws.services.sagemaker.store import Record

_LONGEST_SECONDS = 600
_FUNCTION = Config(connect_timeout=5, read_timeout=_LONGEST_SECONDS, retries={"total_max_attempts": 1})
_TOKEN = string.ascii_letters + string.digits
_TYPES: dict[str, Callable[[Any], Any]] = {"Integer": int, "Float": float}


class MessageError(Exception):
    """Why another service was not reached; the message is the service's."""


def new_token() -> str:
    """Make a callback's token."""
    return "".join(secrets.choice(_TOKEN) for _ in range(10))


def told(step: Step, state: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    """Return a step's members once its function or its callback has answered with these outputs."""
    declared = step.raw.get("OutputParameters") or []
    values = {each["OutputName"]: outputs[each["OutputName"]] for each in declared if each["OutputName"] in outputs}
    typed = {each["OutputName"]: _typed(each, values) for each in declared if each["OutputName"] in values}
    written = [{"Name": name, "Value": text(value)} for name, value in values.items()]
    metadata = {kind: {**told, "OutputParameters": written} for kind, told in state["Metadata"].items()}
    return {"Metadata": metadata, "Properties": {"OutputParameters": typed}}


def _typed(declared: dict[str, Any], values: dict[str, Any]) -> Any:
    value, kind = values[declared["OutputName"]], declared.get("OutputType", "String")
    if kind == "Boolean":
        return value if isinstance(value, bool) else text(value).lower() == "true"
    if kind in _TYPES:
        try:
            return _TYPES[kind](value)
        except (TypeError, ValueError):
            return value
    return text(value)


class Messages:
    """The other services, of an execution."""

    def __init__(self, record: Record, role: Role) -> None:
        self._record, self._role = record, role
        self._clients: dict[str, Any] = {}

    def invoke(self, function: str, arguments: dict[str, Any], *, then: Callable[..., None]) -> None:
        """Invoke a function; `then` is called with its `outputs` or a `failure`, on a thread."""

        def run() -> None:
            then(**self._invoked(function, arguments))

        threading.Thread(target=run, name=f"Lambda step of {self._record.name}", daemon=True).start()

    def _invoked(self, function: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._client("lambda").invoke(FunctionName=function, Payload=json.dumps(arguments).encode())
            said = json.loads(answer["Payload"].read() or b"null")
        except ReadTimeoutError:
            return {"failure": f"The Lambda function {function} has not answered within {_LONGEST_SECONDS} s."}
        except (ClientError, BotoCoreError, ValueError) as error:
            return {"failure": f"Failed to invoke lambda:Invoke. Error Details: {error}"}
        if "FunctionError" in answer:
            reason = said.get("errorMessage", "") if isinstance(said, dict) else ""
            return {"failure": f"The Lambda function {function} failed: {reason}"}
        return {"outputs": said if isinstance(said, dict) else {}}

    def send(self, callback: dict[str, str], arguments: dict[str, Any], status: str) -> None:
        """Send the message of a callback step. Raises MessageError."""
        body = {
            "token": callback["CallbackToken"],
            "pipelineExecutionArn": self._record.arn,
            "arguments": arguments,
            "status": status,
        }
        try:
            self._client("sqs").send_message(QueueUrl=callback["SqsQueueUrl"], MessageBody=json.dumps(body))
        except (ClientError, BotoCoreError) as error:
            raise MessageError(f"Failed to invoke sqs:SendMessage. Error Details: {error}") from error

    def read(self, uri: str) -> bytes:
        """Return an object's content. Raises UnresolvedError."""
        try:
            bucket, key = s3_uris.split(uri)
            return bytes(self._client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        except (ClientError, BotoCoreError, ValueError) as error:
            raise UnresolvedError(f"{uri} can't be read: {error}") from error

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            config = _FUNCTION if service == "lambda" else None
            self._clients[service] = self._role.client(service, config=config)
        return self._clients[service]
