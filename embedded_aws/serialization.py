"""How AWS reads the JSON of a request, by the shapes of botocore's models, and the words with which it refuses it.

A member that is null is as good as none, and a fraction for a whole number loses what is behind the point. Sources: the
words and these two rules as Athena gave them to 46 requests over plain HTTP (publicly recorded in September 2026);
"milliseconds since epoch" is X-Ray's. Older services have other words for the same (DynamoDB: "cannot be converted to
String"). Not compared with AWS: what is said of half a surrogate pair, which no text can hold, of numbers that no type
can hold, and of a body that is no JSON object: AWS says nothing then.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.model import Shape

CODE = "SerializationException"

_LIST = "Start of list found where not expected"
_STRUCTURE = "Start of structure or map found where not expected."
_TARGETS = {
    "string": "a String",
    "character": "a String",
    "blob": "a Blob",
    "integer": "an Integer",
    "long": "a Long",
    "float": "a Float",
    "double": "a Double",
    "bigdecimal": "a BigDecimal",
    "boolean": "a Boolean",
    "timestamp": "milliseconds since epoch",
}
_WHOLE = {"integer": 2**31, "long": 2**63}
_FRACTIONS = ("float", "double", "bigdecimal")
_TEXTS = ("string", "character")
_FIRST_SECOND, _END_SECOND = -62_135_596_800, 253_402_300_800  # years 1 to 9999
_HALF_OF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class SerializationError(ValueError):
    """Why a request can't be read, in AWS's words where it has some."""


def document(body: bytes | str) -> dict[str, Any]:
    """Return the JSON object that a request's body is; an empty one of no body. Raises SerializationError."""
    try:
        text = body if isinstance(body, str) else body.decode()
        found = json.loads(text or "{}", parse_constant=_refuse_constant, parse_float=_finite)
        if _HALF_OF_PAIR.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise SerializationError("The request's body is no text in UTF-8, or has half of a surrogate pair.") from error
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"The request's body is not JSON: {error}.") from error
    if isinstance(found, list):
        raise SerializationError(_LIST)
    if not isinstance(found, dict):
        raise SerializationError("The request's body is not a JSON object.")
    return found


@dataclass
class Reading:
    """One reading of a document: whether it is another now, and which required members it has not got."""

    changed: bool = False
    missing: list[str] = field(default_factory=list)

    def read(self, shape: Any, value: Any, path: str = "") -> Any:
        """Return a value as AWS reads it for a shape; what it does not know of stays. Raises SerializationError."""
        check_type(shape, value)
        match shape.type_name:
            case "structure" if not shape.metadata.get("document"):
                self._read_structure(shape, value, path)
            case "list":
                if None in value:
                    self.changed = True
                    value = [each for each in value if each is not None]
                return [
                    self.read(shape.member, each, f"{path}.{number}.member") for number, each in enumerate(value, 1)
                ]
            case "map":
                for key, each in value.items():
                    if each is not None:
                        value[key] = self.read(shape.value, each, f"{path}.{key}.member")
            case "integer" | "long" if isinstance(value, float):
                self.changed = True
                return int(value)
        return value

    def _read_structure(self, shape: Any, value: dict[str, Any], path: str) -> None:
        for name, member in shape.members.items():
            if "location" in member.serialization:  # in the path, the query or a header
                continue
            at, below = member.serialization.get("name", name), f"{path}.{name[:1].lower()}{name[1:]}".lstrip(".")
            if value.get(at) is not None:
                value[at] = self.read(member, value[at], below)
                continue
            if at in value:
                self.changed = True
                del value[at]
            if name in shape.required_members:
                self.missing.append(below)


def check_type(shape: Shape, value: Any) -> None:
    """Raise SerializationError if a JSON value is not of a shape's type; what is in it is not looked at."""
    kind = shape.type_name
    if shape.metadata.get("document"):
        return
    match value:
        case dict():
            if kind not in ("structure", "map"):
                raise SerializationError(_STRUCTURE)
        case list():
            if kind != "list":
                raise SerializationError(_LIST)
        case _ if kind == "list":
            raise SerializationError("Expected list or null")
        case _ if kind in ("structure", "map"):
            raise SerializationError("Expected null")
        case _ if not _is_of(shape, kind, value):
            raise SerializationError(f"{_token(value)} can not be converted to {_TARGETS.get(kind, kind)}")


def _is_of(shape: Shape, kind: str, value: Any) -> bool:
    """Tell whether a value that is no list and no object is of a type."""
    match value:
        case bool():
            return kind == "boolean"
        case str():
            return (
                kind in _TEXTS or (kind == "blob" and _is_base64(value)) or (kind == "timestamp" and _is_written(shape))
            )
        case int() | float() if kind in _WHOLE:
            return -_WHOLE[kind] <= value < _WHOLE[kind]
        case int() | float() if kind == "timestamp":
            return _FIRST_SECOND <= value < _END_SECOND and not _is_written(shape)
        case int() | float():
            return kind in _FRACTIONS
    return False


def _is_written(shape: Shape) -> bool:
    """Tell whether a time is a text in the JSON of its service, not a number."""
    return bool(shape.serialization.get("timestampFormat", "unixTimestamp") != "unixTimestamp")


def _is_base64(text: str) -> bool:
    try:
        binascii.a2b_base64(text)
    except ValueError:
        return False
    return True


def _token(value: Any) -> str:
    match value:
        case bool():
            return "TRUE_VALUE" if value else "FALSE_VALUE"
        case str():
            return "STRING_VALUE"
        case None:
            return "NULL_VALUE"
    return "NUMBER_VALUE"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is more than any number")
    return number
