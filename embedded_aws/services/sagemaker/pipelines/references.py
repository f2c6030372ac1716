"""Values that a definition leaves open: {"Get": …}, Std:Join and Std:JsonGet, found and resolved.

Their forms are those of the public pipeline definition schema and of what the SageMaker SDK 3 writes. A list's element
is had by its number, or by the name that it has in a member that ends with Name: the SDK's integration tests read
`ProcessingOutputConfig.Outputs['train_data'].S3Output.S3Uri` so. A truth is joined as `true` or `false`: their
assertions. Not compared with AWS: the sentences about what is not there; how a fraction is joined.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

GET, JOIN, JSON_GET = "Get", "Std:Join", "Std:JsonGet"
PARAMETERS, STEPS, EXECUTION, PROPERTY_FILES = "Parameters", "Steps", "Execution", "PropertyFiles"
_PART = re.compile(r"\.?([^.\[\]]+)|\['([^']*)'\]|\[\"([^\"]*)\"\]|\[(\d+)\]")


class UnresolvedError(Exception):
    """A value that can't be had; the message says which, and why."""


def is_open(value: Any) -> bool:
    """Return whether a value is one of the three forms, rather than itself."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in (GET, JOIN, JSON_GET)


def gets(value: Any) -> Iterator[str]:
    """Yield what each {"Get": …} in a value, at any depth, names."""
    match value:
        case {"Get": str() as path} if len(value) == 1:
            yield path
        case dict():
            for each in value.values():
                yield from gets(each)
        case list():
            for each in value:
                yield from gets(each)


def split(path: str) -> tuple[str, str, list[str | int]]:
    """Return a Get's root, the name that follows, and the rest. Raises ValueError for what is none."""
    root, _, rest = path.partition(".")
    name, dot, inner = rest.partition(".")
    if root not in (PARAMETERS, STEPS, EXECUTION) or not name:
        raise ValueError(path)
    if root == STEPS and "[" in name:  # an element of the step itself
        name, _, inner = rest.partition("[")
        inner = f"[{inner}"
    return root, name, parts(inner) if inner or dot else []


def parts(path: str) -> list[str | int]:
    """Return the members and numbers that a path goes through. Raises ValueError for what is no path."""
    found: list[str | int] = []
    position = 0
    for match in _PART.finditer(path):
        if match.start() != position:
            break
        number = match[4]
        found.append(int(number) if number is not None else next(each for each in match.groups() if each is not None))
        position = match.end()
    if position != len(path):
        raise ValueError(path)
    return found


def look_up(value: Any, path: list[str | int]) -> Any:
    """Return what lies at a path. Raises LookupError."""
    for part in path:
        match value, part:
            case list(), int():
                value = value[part]
            case list(), str():
                value = _named(value, part)
            case dict(), str():
                value = value[part]
            case _:
                raise LookupError(part)
    return value


def _named(elements: list[Any], name: str) -> Any:
    for each in elements:
        if isinstance(each, dict) and any(key.endswith("Name") and value == name for key, value in each.items()):
            return each
    raise LookupError(name)


@dataclass(frozen=True)
class Scope:
    """What the open values of one step mean.

    `properties` returns what a step that has succeeded has, `property_file` the place in S3 of one of its property
    files, `read` an object's content; they raise UnresolvedError.
    """

    parameters: Mapping[str, Any]
    execution: Mapping[str, str]
    properties: Callable[[str], Mapping[str, Any]]
    property_file: Callable[[str, str], str]
    read: Callable[[str], bytes]

    def resolve(self, value: Any) -> Any:
        """Return a value with all that it leaves open filled in. Raises UnresolvedError."""
        match value:
            case {"Get": str() as path} if len(value) == 1:
                return self._get(path)
            case {"Std:Join": {"Values": list() as values, **more}} if len(value) == 1:
                return str(more.get("On", "")).join(text(self.resolve(each)) for each in values)
            case {"Std:JsonGet": dict() as given} if len(value) == 1:
                return self._json_get(given)
            case dict():
                return {name: self.resolve(each) for name, each in value.items()}
            case list():
                return [self.resolve(each) for each in value]
        return value

    def _get(self, path: str) -> Any:
        try:
            root, name, rest = split(path)
            if root == PARAMETERS:
                return self.parameters[name]
            if root == EXECUTION:
                return self.execution[name]
            return look_up(self.properties(name), rest)
        except (ValueError, LookupError) as error:
            raise UnresolvedError(f"The reference {path} has no value.") from error

    def _json_get(self, given: Mapping[str, Any]) -> Any:
        path = str(self.resolve(given["Path"]))
        if "S3Uri" in given:
            uri = text(self.resolve(given["S3Uri"]))
        else:
            _, step, rest = split(given["PropertyFile"][GET])
            uri = self.property_file(step, str(rest[-1]))
        try:
            document = json.loads(self.read(uri))
        except ValueError as error:
            raise UnresolvedError(f"{uri} is not JSON.") from error
        try:
            return look_up(document, parts(path.removeprefix("$").removeprefix(".")))
        except (ValueError, LookupError) as error:
            raise UnresolvedError(f"{uri} has nothing at the path {path}.") from error


def text(value: Any) -> str:
    """Return a value as Std:Join puts it in: a number or a truth as JSON has it."""
    return value if isinstance(value, str) else json.dumps(value)
