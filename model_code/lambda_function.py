"""The Lambda function that answers as the endpoint does: the same model, the same preparation of a photo, LiteRT.

A function URL, or whoever invokes it, sends an HTTP request as Lambda's payload format 2.0 has it. A mistake of the
caller's is answered 4xx with {"error": "<the endpoint's own sentence>"}.

Sources: Lambda's guide, "Invoking Lambda function URLs" (the payload's members, base64 for what is no text).
"""

from __future__ import annotations

import base64
import json
import os
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import boto3

import served
from inference import JSON

_ARTIFACT = "MODEL_ARTIFACT"


def _fetch(uri: str) -> bytes:
    """Return the content of an object in S3."""
    place = urlsplit(uri)
    s3: Any = boto3.client("s3")
    content: bytes = s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
    return content


# While the environment is made: whoever asks first waits for it, and nobody after.
_MODEL = served.read(_fetch(os.environ[_ARTIFACT]))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one HTTP request."""
    method = event.get("requestContext", {}).get("http", {}).get("method", "POST")
    if method != "POST":
        return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"The method is {method}; send a picture with POST.")
    body = event.get("body") or ""
    try:
        content = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
        answer = _MODEL.answer(content, event.get("headers", {}).get("content-type", JSON))
    except ValueError as error:
        return _refusal(HTTPStatus.BAD_REQUEST, str(error))
    return _response(HTTPStatus.OK, answer.decode())


def _refusal(status: HTTPStatus, sentence: str) -> dict[str, Any]:
    return _response(status, json.dumps({"error": sentence}))


def _response(status: HTTPStatus, body: str) -> dict[str, Any]:
    return {"statusCode": int(status), "headers": {"content-type": JSON}, "body": body}
