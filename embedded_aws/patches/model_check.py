"""What is wrong with a request by botocore's model of its service: a value of another type, or none where one must be.

AWS reads a request by that model before it looks at what is asked for. ministack does not, and stumbles over some of
it; so the model is asked when that has happened, not before every request. The codes are those of AWS's common errors:
SerializationException of the JSON protocols, MissingParameter and InvalidParameterValue of the query protocol; S3's is
InvalidArgument. Not
compared with AWS: the sentences.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel
from ministack.core import responses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from botocore.model import Shape

_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "bigdecimal": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float, str),
}
_NUMBERS = {"integer": int, "long": int, "float": float, "double": float}
_S3_NUMBERS = {"max-keys", "max-parts", "max-uploads", "part-number-marker", "partNumber"}
_FORM = "application/x-www-form-urlencoded"
_MISSING, _VALUE, _TYPE = "MissingParameter", "InvalidParameterValue", "SerializationException"


def problem(
    service: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Sequence[str]]
) -> tuple[str, str] | None:
    """Return the code and the sentence with which AWS would refuse a request; None if its model allows it."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if service == "s3":
        return next(_of_s3(query), None)
    if target := lowered.get("x-amz-target"):
        return next(_of_json(service, target.rpartition(".")[2], body), None)
    if lowered.get("content-type", "").startswith(_FORM):
        return next(_of_form(service, body), None)
    return None


def _of_s3(query: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    for name in _S3_NUMBERS & query.keys():
        if not query[name][0].isdecimal():
            yield "InvalidArgument", f"Provided {name} not an integer or within integer range"


def _of_json(service: str, operation: str, body: bytes) -> Iterator[tuple[str, str]]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        yield _TYPE, "The request is no JSON."
        return
    shape = _input(service, operation)
    if shape is not None:
        yield from _of_value(shape, document, operation)


def _of_value(shape: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not _is_of(_TYPES.get(shape.type_name, (object,)), value):
        yield _TYPE, f"The value at {path} must be a JSON {shape.type_name}."
        return
    match shape.type_name:
        case "structure" if not shape.metadata.get("document"):
            given = {name: each for name, each in value.items() if each is not None}
            for name, member in shape.members.items():
                if name in given:
                    yield from _of_value(member, given[name], f"{path}.{name}")
                elif name in shape.required_members:
                    yield "ValidationException", f"Value null at '{path}.{name}': Member must not be null"
        case "list":
            for number, each in enumerate(value):
                yield from _of_value(shape.member, each, f"{path}[{number}]")
        case "map":
            for key, each in value.items():
                yield from _of_value(shape.value, each, f"{path}[{key!r}]")


def _is_of(types: tuple[type, ...], value: Any) -> bool:
    return isinstance(value, types) and (not isinstance(value, bool) or bool in types or object in types)


def _of_form(service: str, body: bytes) -> Iterator[tuple[str, str]]:
    try:
        form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    except ValueError:
        yield "MalformedQueryString", "The request is no form in UTF-8."
        return
    operation = form.get("Action", "")
    shape = _input(service, operation)
    if shape is None:
        return
    for name, member in shape.members.items():
        key = member.serialization.get("name", name)
        given = {each: value for each, value in form.items() if each == key or each.startswith(f"{key}.")}
        if name in shape.required_members and not any(given.values()):
            yield _MISSING, f"The request must contain the parameter {key}."
        for each, value in given.items():
            yield from _of_text(_at(member, each.split(".")[1:]), value, each)


def _of_text(shape: Shape | None, value: str, name: str) -> Iterator[tuple[str, str]]:
    number = _NUMBERS.get(shape.type_name) if shape else None
    if number is None:
        return
    try:
        number(value)
    except ValueError:
        yield _VALUE, f"Value ({value[:100]}) for parameter {name} is invalid."


def _at(shape: Any, parts: list[str]) -> Shape | None:
    """Return the shape of what a form's key leads to, from a member's; None if that has no such part."""
    for part in parts:
        match shape.type_name:
            case "structure":
                members: dict[str, Shape] = shape.members
                named = {member.serialization.get("name", name): member for name, member in members.items()}
                if part not in named:
                    return None
                shape = named[part]
            case "list" if part.isdecimal():
                shape = shape.member
            case "map" if part in ("key", "value"):
                shape = getattr(shape, part)
    found: Shape = shape
    return found


def _input(service: str, operation: str) -> Any:
    model = _model(responses._BOTOCORE_NAME.get(service, service))
    if model is None:
        return None
    try:
        return model.operation_model(operation).input_shape
    except OperationNotFoundError:
        return None


@cache
def _model(name: str) -> ServiceModel | None:
    try:
        return ServiceModel(Loader().load_service_model(name, "service-2"), name)
    except UnknownServiceError:
        return None
