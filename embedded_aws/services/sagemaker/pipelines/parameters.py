"""The values of a pipeline's parameters in an execution: those that are given, in their types, or the defaults.

`[string "" is too short …]` is AWS's (aws/sagemaker-python-sdk#4016). Not compared with AWS: the other sentences.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.pipelines.definition import Definition

_TRUTHS = {"true": True, "false": False}


def values(read: Definition, given: list[dict[str, str]]) -> dict[str, Any]:
    """Return every parameter's value in its type. Raises ValidationException for the first that has none."""
    values: dict[str, Any] = {}
    for each in given:
        name, value = each["Name"], each["Value"]
        if name not in read.parameters:
            raise validation_exception(f"Unknown parameter '{name}'. The pipeline has: {', '.join(read.parameters)}.")
        if name in values:
            raise validation_exception(f"The parameter {name} is given twice.")
        values[name] = _typed(name, read.parameters[name], value)
    for name, declared in read.parameters.items():
        if name not in values:
            if declared.get("DefaultValue") is None:
                raise validation_exception(f"Parameter '{name}' is undefined. It has no default: give it a value.")
            values[name] = declared["DefaultValue"]
    return values


def _typed(name: str, declared: Mapping[str, Any], text: str) -> Any:
    if not text:
        raise validation_exception('[string "" is too short (length: 0, required minimum: 1)]')
    value: Any = text
    kind = declared["Type"]
    try:
        match kind:
            case "Integer":
                value = int(text)
            case "Float":
                value = _finite(text)
            case "Boolean":
                value = _TRUTHS[text.lower()]
    except (ValueError, LookupError) as error:
        raise validation_exception(
            f"Unexpected type for parameter '{name}'. Expected {kind} but found {json.dumps(text)}."
        ) from error
    allowed = declared.get("EnumValues")
    if allowed and value not in allowed:
        raise validation_exception(f"The parameter {name} is {json.dumps(value)}. It must be one of {allowed}.")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
