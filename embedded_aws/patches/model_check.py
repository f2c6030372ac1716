"""What is wrong with a request by botocore's model of its service: a value of another type, or none where one must be.

AWS reads a request by that model before it looks at what is asked for. ministack does not: it stumbles over some of it,
and keeps some, over which everybody stumbles who reads it afterwards. So every request that changes something is read
by the model first, and any other when ministack has stumbled. The words of the JSON protocols are in serialization.py.
A required member that is null is told with the error that an operation declares for its input, ValidationException if
it declares none: CloudWatch Logs and Athena were publicly recorded with theirs, CloudFormation with ValidationError,
EC2's guide names MissingParameter. Not compared with AWS: the sentences of MissingParameter, InvalidParameterValue and
S3's InvalidArgument, and which of the declared errors each other service takes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from botocore.utils import parse_timestamp

from embedded_aws import serialization
from embedded_aws.patches import request_rules, service_models
from embedded_aws.serialization import SerializationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from botocore.model import OperationModel, Shape

_READERS = {"integer": int, "long": int, "float": float, "double": float, "timestamp": parse_timestamp}
_S3_NUMBERS = {"max-keys", "max-parts", "max-uploads", "part-number-marker", "partNumber"}
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # no answer could tell of it
_FORM = "application/x-www-form-urlencoded"
# What an operation may declare of a request that breaks a constraint, as far as it does.
_INPUT_ERRORS = ("ValidationException", "InvalidParameterException", "InvalidRequestException", "BadRequestException")
_OF_PARAMETERS = ("ec2", "rds", "elasticache", "redshift", "sqs")  # services that tell of parameters, not of members
_SQS = "sqs"  # ministack's tells itself what is missing


class RefusedError(Exception):
    """A request that AWS refuses: code and sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code, self.sentence = code, sentence


def read(
    service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Sequence[str]]
) -> bytes:
    """Return a request's body as AWS reads it. Raises RefusedError."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if service == "s3":
        _check_s3(query)
    elif target := lowered.get("x-amz-target"):
        operation = service_models.operation(service, target.rpartition(".")[2])
        return _read_json(service, operation, operation.input_shape if operation else None, body)
    elif lowered.get("content-type", "").startswith(_FORM):
        _check_form(service, body)
    elif operation := service_models.operation_at(service, method, path):
        return _read_json(service, operation, _in_body(operation), body)
    return body


def _in_body(operation: OperationModel) -> Any:
    """Return the shape of what a request of a REST interface has in its body; None if that is no JSON object."""
    shape: Any = operation.input_shape
    if shape is None or "payload" not in shape.serialization:
        return shape
    payload = shape.members[shape.serialization["payload"]]
    return payload if payload.type_name == "structure" else None


def _read_json(service: str, operation: OperationModel | None, shape: Shape | None, body: bytes) -> bytes:
    if operation is not None and shape is None:
        return body
    try:
        document, reading = serialization.document(body), serialization.Reading()
        if operation is None:
            return body
        document = reading.read(shape, document)
    except SerializationError as error:
        raise RefusedError(serialization.CODE, str(error)) from error
    reading.missing += request_rules.missing(operation.name, document)
    if reading.missing and service != _SQS:
        declared = {each.name for each in operation.error_shapes}
        code = next((each for each in _INPUT_ERRORS if each in declared), _INPUT_ERRORS[0])
        raise RefusedError(code, _nulls(reading.missing))
    return json.dumps(document).encode() if reading.changed else body


def _nulls(missing: Sequence[str]) -> str:
    noun = "error" if len(missing) == 1 else "errors"
    told = "; ".join(
        f"Value null at '{each}' failed to satisfy constraint: Member must not be null" for each in missing
    )
    return f"{len(missing)} validation {noun} detected: {told}"


def _check_s3(query: Mapping[str, Sequence[str]]) -> None:
    for name in _S3_NUMBERS & query.keys():
        if not query[name][0].isdecimal():
            raise RefusedError("InvalidArgument", f"Provided {name} not an integer or within integer range")


def _check_form(service: str, body: bytes) -> None:
    try:
        values = parse_qs(body.decode(), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise RefusedError("MalformedQueryString", "The request is no form in UTF-8.") from error
    form = {name: each[0] for name, each in values.items()}
    operation = service_models.operation(service, form.get("Action", ""))
    shape: Any = operation.input_shape if operation else None
    if shape is None:
        return
    _check_characters(form)
    missing = []
    for name, member in shape.members.items():
        key = _form_key(service, name, member)
        given = {each: value for each, value in form.items() if each == key or each.startswith(f"{key}.")}
        if name in shape.required_members and not given:
            missing.append(member.serialization.get("name", name))
        for each, value in given.items():
            _check_text(_at(service, member, each.split(".")[1:]), value, each)
    if missing and service in _OF_PARAMETERS:
        raise RefusedError("MissingParameter", f"The request must contain the parameter {missing[0]}.")
    if missing:
        raise RefusedError("ValidationError", _nulls([f"{each[:1].lower()}{each[1:]}" for each in missing]))
    if refused := request_rules.form_problem(form["Action"], form):
        raise RefusedError(*refused)


def _check_characters(form: Mapping[str, str]) -> None:
    for name, value in form.items():
        if _NO_XML.search(value):
            raise _invalid(name, value)


def _check_text(shape: Shape | None, value: str, name: str) -> None:
    reader: Any = _READERS.get(shape.type_name) if shape else None
    if reader is None:
        return
    try:
        reader(value)
    except (ValueError, OverflowError) as error:
        raise _invalid(name, value) from error


def _invalid(name: str, value: str) -> RefusedError:
    return RefusedError("InvalidParameterValue", f"Value ({value[:100]}) for parameter {name} is invalid.")


def _form_key(service: str, name: str, member: Shape) -> str:
    """Return how a form calls a member. EC2's protocol is a kind of its own (botocore's EC2Serializer)."""
    written: str = member.serialization.get("name", name)
    if service != "ec2":
        return written
    return str(member.serialization.get("queryName") or f"{written[:1].upper()}{written[1:]}")


def _at(service: str, shape: Any, parts: list[str]) -> Shape | None:
    """Return the shape of what a form's key leads to, from a member's; None if that has no such part."""
    for part in parts:
        match shape.type_name:
            case "structure":
                members: dict[str, Shape] = shape.members
                named = {_form_key(service, name, member): member for name, member in members.items()}
                if part not in named:
                    return None
                shape = named[part]
            case "list" if part.isdecimal():
                shape = shape.member
            case "map" if part in ("key", "value"):
                shape = getattr(shape, part)
    found: Shape = shape
    return found
