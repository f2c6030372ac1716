"""Read and write JSON documents by botocore's shapes, with AWS's own validation messages.

The sentences are those that users quote from AWS ("1 validation error detected: Value 'ml.t3.medium' at
'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must satisfy enum value set: [...]"; its
order of the values is not the model's). Members that the model does not know are ignored; serialization.py has what is
said of values of other types.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from embedded_aws import serialization
from embedded_aws.runtime import s3_uris
from embedded_aws.serialization import SerializationError
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

_S3_PATTERN = "(https|s3)://"  # begins the pattern of a URI in S3
_CONTROL = r"\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\uf8ff\ufeff\ufff9-\uffff"
_SYMBOLS = r"$+<=>^`|~\xa2-\xa6\xa8\xa9\xac\xae-\xb1\xb4\xb8\xd7\xf7\u20a0-\u20cf\u2100-\u2bff"
_REPEATED_END = re.compile(r"\$\{\d+,\d+\}")  # what Java's take for the end itself
_RULES = ("max", "min", "pattern", "enum")


def read(shape: Shape, document: Any) -> Any:
    """Return the document as Python values, timestamps as aware datetimes.

    Raises ValidationException with all constraints that do not hold, SerializationException at the first value whose
    type is wrong.
    """
    reader = _Reader()
    value = reader.value(shape, document, "")
    if reader.problems:
        count = len(reader.problems)
        noun = "error" if count == 1 else "errors"
        raise validation_exception(f"{count} validation {noun} detected: {'; '.join(reader.problems)}")
    return value


def write(shape: Shape, value: Any) -> Any:
    """Return the members that the shape has as JSON values, timestamps as seconds since the epoch."""
    match shape.type_name:
        case "structure":
            members = shape.members  # type: ignore[attr-defined]  # botocore: only StructureShape has them
            return {name: write(member, value[name]) for name, member in members.items() if name in value}
        case "list":
            return [write(shape.member, item) for item in value]  # type: ignore[attr-defined]  # botocore: ListShape
        case "map":
            return {key: write(shape.value, item) for key, item in value.items()}  # type: ignore[attr-defined]  # MapShape
        case "timestamp":
            return value.timestamp()
        case _:
            return value


class _Reader:
    def __init__(self) -> None:
        self.problems: list[str] = []

    def value(self, shape: Shape, value: Any, path: str) -> Any:
        _check_type(shape, value)
        match shape.type_name:
            case "structure":
                return self._structure(shape, value, path)  # type: ignore[arg-type]  # its type_name says so
            case "list":
                return self._list(shape, value, path)  # type: ignore[arg-type]  # its type_name says so
            case "map":
                return self._map(shape, value, path)  # type: ignore[arg-type]  # its type_name says so
            case "timestamp":
                return datetime.fromtimestamp(value, UTC)
            case _:
                value = int(value) if shape.type_name in ("integer", "long") else value
                self._report(value, path, broken_constraints(shape, value))
                if shape.metadata.get("pattern", "").removeprefix("^").startswith(_S3_PATTERN) and value.startswith(
                    "https://"
                ):
                    self._check_s3_url(value, path)
                return value

    def _check_s3_url(self, url: str, path: str) -> None:
        try:
            s3_uris.split(url)
        except ValueError as error:
            self.problems.append(f"Value '{url}' at '{path}': {error}")

    def _structure(self, shape: StructureShape, value: dict[str, Any], path: str) -> dict[str, Any]:
        given = {name: item for name, item in value.items() if name in shape.members and item is not None}
        for name in shape.required_members:
            if name not in given:
                self.problems.append(
                    f"Value null at '{_below(path, name)}' failed to satisfy constraint: Member must not be null"
                )
        return {name: self.value(shape.members[name], item, _below(path, name)) for name, item in given.items()}

    def _list(self, shape: ListShape, value: list[Any], path: str) -> list[Any]:
        value = [item for item in value if item is not None]
        self._report(value, path, broken_constraints(shape, value))
        return [self.value(shape.member, item, f"{path}.{n}.member") for n, item in enumerate(value, 1)]

    def _map(self, shape: MapShape, value: dict[str, Any], path: str) -> dict[str, Any]:
        self._report(value, path, broken_constraints(shape, value))
        for items, part, what in ((value, shape.key, "Map keys"), (value.values(), shape.value, "Map value")):
            for item in items:
                _check_type(part, item)
            if any(broken_constraints(part, item) for item in items):
                self._report(
                    value, path, [f"{what} must satisfy constraint: [{', '.join(_constraints(part).values())}]"]
                )
        return dict(value)

    def _report(self, value: Any, path: str, constraints: list[str]) -> None:
        self.problems += [
            f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {text}" for text in constraints
        ]


def parse(body: bytes) -> dict[str, Any]:
    """Return a request body's JSON object. Raises SerializationException for anything else."""
    try:
        return serialization.document(body)
    except SerializationError as error:
        raise ServiceError(serialization.CODE, str(error)) from error


def _check_type(shape: Shape, value: Any) -> None:
    try:
        serialization.check_type(shape, value)
    except SerializationError as error:
        raise ServiceError(serialization.CODE, str(error)) from error


def broken_constraints(shape: Shape, value: Any) -> list[str]:
    """Return the shape's constraints that the value itself does not satisfy (not those of its parts)."""
    broken = [rule for rule in _RULES if rule in shape.metadata and not _holds(rule, shape.metadata[rule], value)]
    if not broken:
        return []
    sentences = _constraints(shape)
    return [sentences[rule] for rule in broken]


def _holds(rule: str, limit: Any, value: Any) -> bool:
    size = len(value) if isinstance(value, str | list | dict) else value
    match rule:
        case "min":
            return bool(size >= limit)
        case "max":
            return bool(size <= limit)
        case "pattern":
            return _compiled(limit).fullmatch(value) is not None
        case _:
            return value in limit


def _constraints(shape: Shape) -> dict[str, str]:
    """Return the shape's constraints, each with AWS's sentence."""
    given = shape.metadata
    measure = "value" if shape.type_name in ("integer", "long", "float", "double") else "length"
    texts = {
        "max": f"Member must have {measure} less than or equal to {given.get('max')}",
        "min": f"Member must have {measure} greater than or equal to {given.get('min')}",
        "pattern": f"Member must satisfy regular expression pattern: {given.get('pattern')}",
        "enum": f"Member must satisfy enum value set: [{', '.join(given.get('enum', ()))}]",
    }
    return {rule: texts[rule] for rule in _RULES if rule in given}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile one of AWS's patterns, which are Java's: its character classes and surrogate pairs become Python's.

    Letters and digits are alike then, and so are all characters that are no control characters.
    """
    for java, python in (
        (r"[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]", f"[^{_CONTROL}]"),
        (r"[\p{L}\p{M}\p{Z}\p{N}\p{P}]", f"[^{_CONTROL}{_SYMBOLS}]"),
        (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]", rf"[^{_CONTROL}\s]"),
        (r"\p{L}", r"\w"),
        (r"\p{N}", r"\w"),
        (r"\p{Z}", r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"),
        (r"\p{Alnum}", "a-zA-Z0-9"),
        (r"\p{ASCII}", r"[\x00-\x7f]"),
        (r"[\p{Print}]", "[ -~]"),
        (r"\z", r"\Z"),
        (r"\p{Print}", "[ -~]"),
        (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"),
    ):
        pattern = pattern.replace(java, python)
    return re.compile(_REPEATED_END.sub("$", pattern))


def _below(path: str, name: str) -> str:
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(_shown(item) for item in value) + "]"
        case bool():
            return str(value).lower()
        case None:
            return "null"
        case _:
            return str(value)
