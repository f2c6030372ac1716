"""Requests made from botocore's model: the least that is valid, with one member more, with one value wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from botocore.model import Shape

# Values for the model's patterns, the first that fits is taken: names, URIs, ARNs of every service it speaks of.
ROLE = "arn:aws:iam::000000000000:role/lab"
_TEXTS = (
    "a1",
    "1",
    "/a",
    "s3://bucket/key",
    "https://example.com/a",
    ROLE,
    "arn:aws:sagemaker:us-east-1:000000000000:pipeline/a/execution/a",
    *(f"arn:aws:sagemaker:us-east-1:000000000000:{kind}" for kind in ("training-plan/a", "reserved-capacity/a")),
    "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/a",
    "arn:aws:sagemaker:us-east-1:000000000000:ml-reservation/a",
    "arn:aws:sagemaker:us-east-1:000000000000:hub-content/hub/Model/a",
    "arn:aws:sagemaker:us-east-1:000000000000:hub-content/hub/Model/a/1.0.0",
    "arn:aws:sagemaker:us-east-1:000000000000:mlflow-app/app-ABCDEFGHIJKL",
    "arn:aws:lambda:us-east-1:000000000000:function:a",
    "arn:aws:sns:us-east-1:000000000000:a",
    "fs-01234567",
    "eu-1",
    "1K",
    "text/csv",
    "notebook-al2023-v1",
    "arn:aws:sagemaker:us-east-1:000000000000:model-package/a",
    "arn:aws:sagemaker:us-east-1:000000000000:hub-content/hub/DataSet/a",
    f"sha256:{'a' * 64}",
    "1.0.0",
    *(f"arn:aws:sagemaker:us-east-1:000000000000:{kind}" for kind in ("human-task-ui/a", "model/a", "workforce/a")),
    "arn:aws:sagemaker:us-east-1:000000000000:workteam/private-crowd/a",
    "a_1",
    "10.0.0.0/8",
    *("vpc-1", "sg-1", "subnet-1"),
)
_LONGEST = 5000  # longer values are not made
_JAVA = {
    r"\p{L}": "a-zé",
    r"\p{Z}": " ",
    r"\p{N}": "0-9",
    r"\p{M}": "",
    r"\p{S}": "",
    r"\p{P}": "!._:/-",
    r"${1,128}": "$",
    r"${1,256}": "$",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\uD800\uDC00-\uDBFF\uDFFF": "😀",
}
_WRONG_TEXTS = ("\n", "!", "a b", "-", "é", "")
Path = tuple[str, ...]


def element(shape: Shape) -> Shape:
    """Return the shape of a list's elements, through lists of lists; any other shape itself."""
    while shape.type_name == "list":
        shape = shape.member  # type: ignore[attr-defined]  # its type_name says that it is a ListShape
    return shape


def least(shape: Any) -> Any:
    """Return the smallest valid value."""
    given = shape.metadata
    match shape.type_name:
        case "structure":
            return {name: least(shape.members[name]) for name in shape.required_members}
        case "list":
            return [least(shape.member)] * max(1, given.get("min", 0))
        case "map":
            return {least(shape.key): least(shape.value)}
        case "string":
            return text(shape)
        case "boolean":
            return True
        case _:
            return max(given.get("min", 1), min(1, given.get("max", 1)))


def text(shape: Shape) -> str:
    """Return a string that the shape allows."""
    given = shape.metadata
    if "enum" in given:
        return str(given["enum"][0])
    fitting = (padded for each in _TEXTS if _fits(padded := each.ljust(given.get("min", 0), "a"), given))
    return next(fitting)


def with_path(shape: Any, path: Sequence[str], value: Any = None, *, null: bool = False) -> dict[str, Any]:
    """Return the least request that has a member at that path, with this value there if it is not None, or null."""
    request: dict[str, Any] = least(shape)
    holder, member = _hold(shape, request, path)
    holder[path[-1]] = least(member) if value is None and not null else value
    return request


def put(shape: Any, request: dict[str, Any], path: Sequence[str]) -> None:
    """Add the member at that path to a request, with the least valid value, unless it has it."""
    here, member = _hold(shape, request, path)
    here.setdefault(path[-1], least(member))


def _hold(shape: Any, request: dict[str, Any], path: Sequence[str]) -> tuple[dict[str, Any], Any]:
    """Return the structure of a request that holds the path's last member, made if need be, and that member's shape."""
    here, inner = request, shape
    for name in path[:-1]:
        here.setdefault(name, least(inner.members[name]))
        here, inner = _first(here[name]), element(inner.members[name])
    return here, inner.members[path[-1]]


def without(shape: Any, path: Path) -> dict[str, Any]:
    """Return the least request that has all the path leads through, but not its last member."""
    request = with_path(shape, path)
    here = request
    for name in path[:-1]:
        here = _first(here[name])
    del here[path[-1]]
    return request


def holder(shape: Any, path: Path) -> Any:
    """Return the structure that has the path's last member."""
    for name in path[:-1]:
        shape = element(shape.members[name])
    return shape


def names(shape: Any, seen: frozenset[str] = frozenset()) -> set[str]:
    """Return the names of all members, at any depth."""
    inner = [element(member) for member in shape.members.values()]
    below = [each for each in inner if each.type_name == "structure" and each.name not in seen]
    return {*shape.members, *(name for each in below for name in names(each, seen | {each.name}))}


def _first(value: Any) -> Any:
    while isinstance(value, list):
        value = value[0]
    return value


def places(shape: Any, path: Path = (), seen: frozenset[str] = frozenset()) -> Iterator[tuple[Path, Any]]:
    """Yield every member's path and shape, top-level and nested; a structure within itself is gone into once."""
    for name, member in shape.members.items():
        yield (*path, name), member
        below = element(member)
        if below.type_name == "structure" and below.name not in seen:
            yield from places(below, (*path, name), seen | {below.name})


def wire(shape: Any, path: Path) -> str:
    """Return a path in AWS's sentences: lower case, and the first of each list."""
    words = []
    for number, name in enumerate(path):
        shape = shape.members[name]
        words.append(name[:1].lower() + name[1:])
        while shape.type_name == "list" and number < len(path) - 1:
            words += ["1", "member"]
            shape = shape.member
    return ".".join(words)


def broken(shape: Any) -> Iterator[tuple[str, Any]]:
    """Yield values that one constraint of the shape forbids, each with what the sentence must say."""
    given = shape.metadata
    match shape.type_name:
        case "string":
            yield from _broken_texts(given)
        case "integer" | "long" | "float" | "double":
            if "min" in given:
                yield f"value greater than or equal to {given['min']}", given["min"] - 1
            if "max" in given:
                yield f"value less than or equal to {given['max']}", given["max"] + 1
        case "list":
            if given.get("min", 0) > 0:
                yield f"length greater than or equal to {given['min']}", []
            if given.get("max", _LONGEST) < _LONGEST:
                yield f"length less than or equal to {given['max']}", [least(shape.member)] * (given["max"] + 1)


def _broken_texts(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "enum" in given:
        yield "satisfy enum value set: [", "no such value"
        return
    if given.get("min", 0) > 0:
        yield f"length greater than or equal to {given['min']}", ""
    if given.get("max", _LONGEST) < _LONGEST:
        yield f"length less than or equal to {given['max']}", "a" * (given["max"] + 1)
    if "pattern" in given:
        wrong = next((each for each in _WRONG_TEXTS if not _fits(each, {"pattern": given["pattern"]})), None)
        if wrong is not None:
            yield "satisfy regular expression pattern: ", wrong


def _fits(text: str, given: dict[str, Any]) -> bool:
    pattern = given.get("pattern", r"[\s\S]*")
    for java, python in _JAVA.items():
        pattern = pattern.replace(java, python)
    return re.fullmatch(pattern, text) is not None and len(text) <= given.get("max", _LONGEST)
