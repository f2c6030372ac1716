"""The name and the request of a job, made of the properties of the resource."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.model import Shape

_STACK_DIGITS = 8
_IDENTITY_DIGITS = 16
_NAME = re.compile(rf".+-([0-9a-f]{{{_STACK_DIGITS}}})-[0-9a-f]{{{_IDENTITY_DIGITS}}}(?:-\d+)?")


def resource_mark(event: dict[str, Any]) -> str:
    """Return eight digits that every job of this resource has in its name.

    They come from the stack and the logical id alone: a Delete may bring an invented physical id and odd properties.
    """
    return _digest(f"{event['StackId']}/{event['LogicalResourceId']}")[:_STACK_DIGITS]


def marked_name(name: str) -> str:
    """Return the mark in the name of a job, `<lab>-<mark>-<identity>` with or without an attempt's number."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(name)
    return found[1]


def identity(properties: dict[str, Any]) -> str:
    """Return sixteen digits that are the same for two jobs with the same outcome."""
    return _digest(json.dumps(properties["Identity"], sort_keys=True))[:_IDENTITY_DIGITS]


def typed(value: Any, shape: Shape) -> Any:
    """Return the value with numbers and booleans where SageMaker has them; CloudFormation makes them all strings."""
    if shape.type_name == "structure":
        return {key: typed(item, shape.members[key]) for key, item in value.items()}  # type: ignore[attr-defined]
    if shape.type_name == "map":
        return {key: typed(item, shape.value) for key, item in value.items()}  # type: ignore[attr-defined]
    if shape.type_name == "list":
        return [typed(item, shape.member) for item in value]  # type: ignore[attr-defined]
    if shape.type_name in {"integer", "long"}:
        return int(value)
    if shape.type_name == "boolean":
        return str(value).lower() == "true"
    return value


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
