"""What the REST API's method calls: passes a picture on to the endpoint, and the endpoint's answer back.

The environment variable ENDPOINT_NAME says which endpoint. A refusal is {"error": "<one sentence>"}; what the model
says of a picture that it can't read is its own sentence, with status 400: AWS's TensorFlow container answers 500 for a
caller's mistake and for its own alike (see model_code/inference.py), and its own have no such sentence.
"""

from __future__ import annotations

import base64
import json
import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# API Gateway waits 29 seconds. Source: its quotas, "Integration timeout".
_SECONDS = 27
# As InvokeEndpoint's reference has them: one is not there yet, the others have too much to do.
_BUSY = frozenset({"ModelNotReadyException", "ServiceUnavailable", "ThrottlingException"})
_NO_ENDPOINT = "The lab's endpoint is not in service: `./lab status` says why, `./lab resume` ends a pause."
_NO_ANSWER = "The lab's endpoint gave no answer: try again in a moment."

Event = dict[str, Any]


@cache
def _runtime() -> Any:
    """Return the client, which asks once: who calls the API decides whether to ask again."""
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=_SECONDS)
    return boto3.client("sagemaker-runtime", config=config)


def handler(event: Event, _context: object) -> Event:
    """Entry point of the Lambda function: API Gateway's event of a proxy integration, payload 1.0."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return answer(body_of(event), headers.get("content-type", ""), runtime=_runtime())


def body_of(event: Event) -> bytes:
    """Return the request's body: of the API's binary media types it comes in base64."""
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def answer(body: bytes, content_type: str, *, runtime: Any) -> Event:
    """Return the response for a picture, whatever the endpoint says."""
    try:
        found = runtime.invoke_endpoint(
            EndpointName=os.environ["ENDPOINT_NAME"],
            ContentType=content_type,
            Accept="application/json",
            Body=body,
        )
        return _response(200, found["Body"].read().decode())
    except ClientError as error:
        return _refused(error)
    except BotoCoreError:
        return _error(504, _NO_ANSWER)


def _refused(error: ClientError) -> Event:
    code = error.response["Error"]["Code"]
    if code in _BUSY:
        return _error(503, _NO_ANSWER)
    if code == "ValidationError":  # of all that is sent, only the endpoint's name can be wrong: there is none
        return _error(503, _NO_ENDPOINT)
    if code == "ModelError" and (sentence := _sentence(str(error.response.get("OriginalMessage", "")))):
        return _error(400, sentence)
    return _error(502, _NO_ANSWER)


def _sentence(said: str) -> str:
    """Return the model's own sentence in {"error": …}, "" if that is not what was said."""
    try:
        found = json.loads(said)
    except ValueError:
        return ""
    sentence = found.get("error") if isinstance(found, dict) else None
    return sentence if isinstance(sentence, str) else ""


def _error(status: int, sentence: str) -> Event:
    return _response(status, json.dumps({"error": sentence}))


def _response(status: int, body: str) -> Event:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": body}
