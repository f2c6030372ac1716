"""SageMaker's runtime APIs: the members of an InvokeEndpoint that are supported, and the errors of all else.

The members are botocore's, with their limits, and travel as headers. Not compared with AWS: the other sentences, and
what AWS makes of sessions, explanations or components that are not there.
"""

from __future__ import annotations

import json
import re
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.model import StructureShape

from embedded_aws.botocore_models import service_model
from embedded_aws.services.sagemaker import shapes
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.resource_types.members import DONE, REFUSED, Members, done

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import OperationModel, Shape

    Response = tuple[int, dict[str, str], bytes]

OPERATIONS = ("InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream")
INVOKE_ENDPOINT: Members = {
    "EndpointName": DONE,
    "Body": done("6,291,456 bytes at most"),
    "ContentType": DONE,
    "Accept": done("what the container makes of it"),
    "CustomAttributes": done("told to the container; answered if it answers them"),
    "TargetModel": done("for a multi-model container"),
    "TargetVariant": DONE,
    "TargetContainerHostname": done("for a model with InferenceExecutionConfig Direct"),
    "InferenceId": done("told to the container, stands in captured data"),
    "EnableExplanations": REFUSED,
    "InferenceComponentName": REFUSED,
    "SessionId": REFUSED,
    "PrefixAwareId": REFUSED,
}
INVOKE_ENDPOINT_WITH_RESPONSE_STREAM: Members = {
    "EndpointName": DONE,
    "Body": done("6,291,456 bytes at most"),
    "ContentType": DONE,
    "Accept": done("what the container makes of it"),
    "CustomAttributes": done("told to the container; answered if it answers them"),
    "TargetVariant": DONE,
    "TargetContainerHostname": REFUSED,
    "InferenceId": done("told to the container"),
    "InferenceComponentName": REFUSED,
    "SessionId": REFUSED,
    "PrefixAwareId": REFUSED,
}
INVOKE_ENDPOINT_ASYNC: Members = {
    "EndpointName": DONE,
    "ContentType": DONE,
    "Accept": done("what the container makes of it"),
    "CustomAttributes": done("told to the container"),
    "InferenceId": done("names the answer's object; told to the container"),
    "InputLocation": done("read as the execution role, 1 GB at most"),
    "S3OutputPathExtension": DONE,
    "Filename": DONE,
    "RequestTTLSeconds": DONE,
    "InvocationTimeoutSeconds": DONE,
    "Body": done("128,000 bytes at most"),
}
TARGET_MODEL = "x-amzn-sagemaker-target-model"
TARGET_CONTAINER = "x-amzn-sagemaker-target-container-hostname"
_REFUSED = {
    "x-amzn-sagemaker-enable-explanations": "EnableExplanations",
    "x-amzn-sagemaker-inference-component": "InferenceComponentName",
    "x-amzn-sagemaker-session-id": "SessionId",
    "x-amzn-sagemaker-prefix-aware-id": "PrefixAwareId",
}
_NAMES = frozenset(_REFUSED)
_RUNTIME = "sagemaker-runtime"
# The services whose requests are signed for the name `sagemaker`: they come here.
_SERVICES = (
    _RUNTIME,
    "sagemaker-a2i-runtime",
    "sagemaker-featurestore-runtime",
    "sagemaker-metrics",
    "sagemaker-edge",
)


def check(headers: Mapping[str, str]) -> Response | None:
    """Return the refusal of an invocation whose headers can't be, or ask for what is not offered.

    Header names in lower case.
    """
    if problems := [*_problems(headers)]:
        noun = "error" if len(problems) == 1 else "errors"
        return refusal(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")
    if _NAMES.isdisjoint(headers):
        return None
    asked = ", ".join(member for header, member in _REFUSED.items() if header in headers)
    return refusal(f"The embedded AWS does not offer {asked}; do this on AWS.")


def read(operation: str, endpoint: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of a request of the runtime; header names in lower case. Raises ServiceError."""
    shape = service_model(_RUNTIME).operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)  # noqa: S101 - it is that of every operation
    document: dict[str, Any] = {"EndpointName": endpoint}
    for name, member in shape.members.items():
        value = headers.get(str(member.serialization.get("name", "")).lower())
        if member.serialization.get("location") == "header" and value is not None:
            document[name] = int(value) if member.type_name == "integer" and _is_number(value) else value
    asked = dict(shapes.read(shape, document))
    most = shape.members["Body"].metadata["max"]
    if len(body) > most:
        raise validation_exception(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less "
            f"than or equal to {most}"
        )
    return {**asked, "Body": body} if body else asked


def unknown(method: str, path: str) -> Response:
    """Return the refusal, by its name, of an operation of a runtime that the embedded AWS has not got."""
    for service, pattern, operation in _operations():
        if operation.http["method"] == method and pattern.fullmatch(path):
            sentence = f"The embedded AWS has not got the operation {operation.name} of {service}"
            return refusal(f"{sentence}; do this on AWS.", code="UnknownOperationException")
    return refusal(f"The embedded AWS has not got {method} {path} of SageMaker.", code="UnknownOperationException")


def refusal(
    message: str, *, code: str = "ValidationError", status: int = HTTPStatus.BAD_REQUEST, **more: Any
) -> Response:
    """Return an error of the runtime's protocol, restJson; with `code` "" one that has none but its status."""
    headers = {"Content-Type": "application/json", **({"x-amzn-ErrorType": code} if code else {})}
    return status, headers, json.dumps({"Message": message, **more}).encode()


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-?\d{1,9}", value) is not None


def _problems(headers: Mapping[str, str]) -> Iterator[str]:
    for name, (member, shape) in _headers().items():
        value = headers.get(name)
        if value is not None:
            for constraint in shapes.broken_constraints(shape, value):
                yield f"Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"


@cache
def _headers() -> dict[str, tuple[str, Shape]]:
    """Return the members of InvokeEndpoint that travel as headers, as errors name them, by their headers' names."""
    request = service_model(_RUNTIME).operation_model("InvokeEndpoint").input_shape
    assert request  # noqa: S101 - it has members
    return {
        shape.serialization["name"].lower(): (f"{name[0].lower()}{name[1:]}", shape)
        for name, shape in request.members.items()
        if shape.serialization.get("location") == "header"
    }


@cache
def _operations() -> list[tuple[str, re.Pattern[str], OperationModel]]:
    """Return service, path and model of every operation; reading them takes a tenth of a second, once."""
    return list(_read())


def _read() -> Iterator[tuple[str, re.Pattern[str], OperationModel]]:
    for service in _SERVICES:
        model = service_model(service)
        for name in model.operation_names:
            operation = model.operation_model(name)
            path = operation.http["requestUri"].partition("?")[0]
            yield service, re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), operation
