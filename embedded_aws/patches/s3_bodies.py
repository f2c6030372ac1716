"""XML that S3 is sent, read by botocore's model: what is of another type, or is not there and must be, is refused.

S3 holds it against a schema of its own, and answers MalformedXML with one sentence, whatever is wrong. Sources: S3's
API reference, "Error responses"; aws/aws-sdk-java#376, of a lifecycle rule whose Status was empty. Elements that the
model has not got are left alone. Of texts that are one of a few, only those are looked at of which it is known that S3
does so: other S3s' test suites have it of Status and Mode (versity/versitygw#558, #559). Not compared with AWS: all
other members; that it comes before it is looked whether the bucket is there.
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from botocore.utils import parse_timestamp
from ministack.services import s3

from embedded_aws.patches import service_models
from embedded_aws.patches.changing_requests import READ_METHODS
from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from botocore.model import Shape

    from embedded_aws.patches.service_handlers import Response

    Query = dict[str, list[str]]

_CODE = "MalformedXML"
_SENTENCE = "The XML you provided was not well-formed or did not validate against our published schema"
_READERS: Mapping[str, Callable[[str], object]] = {
    "integer": int,
    "long": int,
    "boolean": {"true": True, "false": False, "1": True, "0": False}.__getitem__,
    "timestamp": parse_timestamp,
}
_CHOICES_OF = (
    "PutBucketLifecycleConfiguration",
    "PutObjectLegalHold",
    "PutObjectLockConfiguration",
    "PutObjectRetention",
)
_CHOICES = ("Status", "Mode", "ObjectLockEnabled")

patches = Patches()


@patches.wraps(s3._dispatch)
def _dispatch(
    original: Callable[[str, str, str, dict[str, str], Any, Query], Response],
    method: str,
    bucket: str,
    key: str,
    headers: dict[str, str],
    body: Any,
    query_params: Query,
) -> Response:
    """Refuse a body that S3 can't read, before anything of the request is done."""
    if method not in READ_METHODS and type(body) is bytes and body:
        asked = _asked(method, on_object=bool(key), query=query_params)
        if asked and not _is_valid(body, *asked):
            return s3._error(_CODE, _SENTENCE, HTTPStatus.BAD_REQUEST)
    return original(method, bucket, key, headers, body, query_params)


def _asked(method: str, *, on_object: bool, query: Query) -> tuple[str, Shape] | None:
    """Return the operation that a request is, and the shape of its body; None if that is no structure."""
    found = [parameter for parameter in query if (method, on_object, parameter) in _bodies()]
    return _bodies().get((method, on_object, found[0] if found else ""))


@cache
def _bodies() -> dict[tuple[str, bool, str], tuple[str, Shape] | None]:
    """Return operation and shape by method, whether it is an object's, and the parameter that names it, if one does."""
    return dict(_read_bodies())


def _read_bodies() -> Iterator[tuple[tuple[str, bool, str], tuple[str, Shape] | None]]:
    model = service_models.model("s3")
    for name in model.operation_names if model else ():
        operation: Any = service_models.operation("s3", name)
        if operation.deprecated or operation.input_shape is None:
            continue
        path, _, parameter = operation.http["requestUri"].partition("?")
        payload = operation.input_shape.serialization.get("payload")
        shape: Any = operation.input_shape.members[payload] if payload else None
        is_structure = shape is not None and shape.type_name == "structure"
        if name == "CompleteMultipartUpload":
            parameter = "uploadId"
        elif not (parameter or is_structure):
            continue  # the content of an object, say
        address = operation.http["method"], "{Key" in path, parameter.partition("=")[0].partition("&")[0]
        yield address, (name, shape) if is_structure else None


def _is_valid(body: bytes, operation: str, shape: Shape) -> bool:
    try:
        root = ET.fromstring(body)  # noqa: S314 - expat refuses what grows without bounds, and reads nothing else
        if _tag(root) != shape.serialization.get("name"):
            return False
        _read(root, shape, choices=operation in _CHOICES_OF)
    except (ET.ParseError, LookupError, ValueError, OverflowError):
        return False
    return True


def _read(element: ET.Element, shape: Any, *, choices: bool) -> None:
    """Read an element by its shape. Raises ValueError, LookupError or OverflowError for what can't be read."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if not member.serialization.get("xmlAttribute"):
                _read_member(element, name, member, required=name in shape.required_members, choices=choices)
    elif reader := _READERS.get(shape.type_name):
        reader((element.text or "").strip())


def _read_member(element: ET.Element, name: str, member: Any, *, required: bool, choices: bool) -> None:
    written = member.serialization.get("name", name)
    found = [each for each in element if _tag(each) == written]
    if required and not found:
        raise LookupError(written)
    if member.type_name == "list":
        if not member.serialization.get("flattened"):
            item = member.member.serialization.get("name", "member")
            found = [each for wrapper in found for each in wrapper if _tag(each) == item]
        member = member.member
    for each in found:
        if choices and name in _CHOICES and each.text not in getattr(member, "enum", ()):
            raise ValueError(each.text)
        _read(each, member, choices=choices)


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
