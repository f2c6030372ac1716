"""A request to an asynchronous endpoint: it goes through S3, and so does its answer.

Requests lie beside the answers, in `input/`: whoever may ask may write there. They are not sent along inline, for that
is younger (InvokeEndpointAsync's `Body`, June 2026) than the SDKs that ask. Sources: SageMaker's guide, "Invoke an
asynchronous endpoint" and "Check prediction results".
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_YET = {"403", "404", "AccessDenied", "NoSuchKey"}  # S3 says 403 to who may not list the bucket
_SHOWN = 500  # characters of a failure


class FailedRequestError(Exception):
    """The endpoint did not answer the request; the message is what SageMaker wrote to the failure's object."""


@dataclass(frozen=True)
class Request:
    """One request that was taken, and where its answer or its failure will be."""

    identifier: str
    output: str
    failure: str


def is_asynchronous(described: Mapping[str, Any]) -> bool:
    """Return whether an endpoint, as DescribeEndpoint answers it, is asked through S3."""
    return bool(described.get("AsyncInferenceConfig"))


def send(s3: Any, runtime: Any, described: Mapping[str, Any], *, body: bytes, content_type: str) -> Request:
    """Put a request where the endpoint reads it, and tell the endpoint. Raises ClientError."""
    output = described["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"]
    location = f"{output.rstrip('/').rpartition('/')[0]}/input/{uuid.uuid4()}"
    s3.put_object(**place_of(location), Body=body, ContentType=content_type)
    answer = runtime.invoke_endpoint_async(
        EndpointName=described["EndpointName"],
        ContentType=content_type,
        Accept="application/json",
        InputLocation=location,
    )
    return Request(answer["InferenceId"], answer["OutputLocation"], answer.get("FailureLocation", ""))


def answer_of(s3: Any, request: Request) -> bytes | None:
    """Return the answer's body; None as long as there is none. Raises FailedRequestError, or ClientError."""
    found = _read(s3, request.output)
    if found is None and request.failure:
        failure = _read(s3, request.failure)
        if failure is not None:
            raise FailedRequestError(failure.decode(errors="replace").strip()[:_SHOWN])
    return found


def _read(s3: Any, location: str) -> bytes | None:
    try:
        body: bytes = s3.get_object(**place_of(location))["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_YET:
            return None
        raise
    return body


def place_of(location: str) -> dict[str, str]:
    """Return where an s3:// URI points, as S3's operations name it."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}
