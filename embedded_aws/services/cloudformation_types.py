"""What our CloudFormation types share: how a type is described, and how a template's values become an API's.

A generated name is the logical id and a random suffix, as CloudFormation's reference shows for SageMaker's types.
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import Shape

    Properties = Mapping[str, Any]
    Answer = tuple[str, dict[str, str]]

_SUFFIX_LENGTH = 12


class ProvisioningError(RuntimeError):
    """Why a resource was not made as the template says; CloudFormation shows it as the resource's status reason."""


@dataclass(frozen=True, kw_only=True)
class ResourceProvider:
    """A type that templates may use.

    `create` and `update` answer the physical id and what Fn::GetAtt gives. `replacing` are the properties whose change
    makes a new resource, `name` is the one that names it: where a template sets it, nothing is replaced under it.
    `tags` is the property that holds tags, "" if there is none; its `tag_form` is "list", of keys and values, or "map".
    `waits` says that the three block until the resource has settled: they must not run on the event loop.
    `read` answers the properties as they are now, those of `reads`, or None once the resource is gone: it shows what
    was changed outside of CloudFormation. Without it that is not looked at. It runs on the event loop.
    """

    create: Callable[[str, Properties, str], Answer]
    update: Callable[[str, Properties, Properties, str], Answer]
    delete: Callable[[str, Properties], None]
    replacing: tuple[str, ...]
    name: str | None = None
    tags: str = "Tags"
    tag_form: str = "list"
    waits: bool = False
    read: Callable[[str], Properties | None] | None = None
    reads: tuple[str, ...] = ()


def api_error(service: str, *, status: int, code: str, message: str) -> ProvisioningError:
    """Return an API's refusal as CloudFormation words it."""
    return ProvisioningError(f"{message} (Service: {service}, Status Code: {status}, Error Code: {code})")


def generated_name(logical_id: str, *, longest: int) -> str:
    """Return a new name of at most `longest` characters that begins with the logical id."""
    suffix = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(_SUFFIX_LENGTH))
    return f"{logical_id[: longest - _SUFFIX_LENGTH - 1]}-{suffix}"


def typed_members(shapes: Mapping[str, Shape], values: Properties, path: str = "#") -> dict[str, Any]:
    """Return properties with the types that the API wants. Raises ProvisioningError for one that it does not have."""
    unknown = sorted(values.keys() - shapes.keys())
    if unknown:
        raise ProvisioningError(f"Properties validation failed: {path}: extraneous key [{unknown[0]}] is not permitted")
    return {name: _typed(shapes[name], value, f"{path}/{name}") for name, value in values.items()}


def _typed(shape: Shape, value: Any, path: str) -> Any:
    """Return a value as the API's type: templates write numbers and booleans as strings too, and parameters do."""
    match shape.type_name, value:
        case "structure", dict():
            return typed_members(shape.members, value, path)  # type: ignore[attr-defined]  # botocore: only StructureShape has them
        case "list", list():
            return [_typed(shape.member, item, f"{path}/{n}") for n, item in enumerate(value)]  # type: ignore[attr-defined]  # ListShape
        case "map", dict():
            return {key: _typed(shape.value, item, f"{path}/{key}") for key, item in value.items()}  # type: ignore[attr-defined]  # MapShape
        case _:
            return _typed_scalar(shape.type_name, value)


def _typed_scalar(type_name: str, value: Any) -> Any:
    """Return the value as that type, or as it is if it cannot be: the API then refuses it."""
    match type_name, value:
        case "boolean", "true" | "false":
            return value == "true"
        case "integer" | "long", str() if value.lstrip("-").isdigit():
            return int(value)
        case "float" | "double", str() if value.replace(".", "", 1).isdigit():
            return float(value)
        case "string", bool() | int() | float():
            return json.dumps(value)
        case _:
            return value
