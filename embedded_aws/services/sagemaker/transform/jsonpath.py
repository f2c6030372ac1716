"""The JSONPath of batch transform's filters: the operators that AWS documents, and no others.

Written by hand: a library for RFC 9535 refuses AWS's `.[0]`, takes filters, steps and `..`, which AWS does not
document, gives several names' values where AWS gives an object of them, and nothing for a number that a list has not
got.

`$`, `.name`, `.*`, `['name', …]`, `[0, -1]`, `[1:3]`, `[*]`; a dot may stand before a bracket.
Source: "Supported JSONPath Operators", SageMaker's guide, Associate Prediction Results with Input Records. A number
that a list has not got is an error: reference of DataProcessing, "indexes that aren't within the dimension size". Not
compared with AWS: what a name gives that is not there (here an error, except for one of several).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    _Step = Callable[[Any], Iterator[Any]]

_NAMES = r"'[^']*'(?:\s*,\s*'[^']*')*"
_NUMBERS = r"-?\d+(?:\s*,\s*-?\d+)*"
_STEP = re.compile(
    r"\.(?P<name>[^\s.\[\]*'\",:$@?()]+)"
    r"|\.(?P<each>\*)"
    rf"|\.?\[\s*(?:(?P<names>{_NAMES})|(?P<numbers>{_NUMBERS})|(?P<slice>-?\d*\s*:\s*-?\d*)|(?P<all>\*))\s*\]"
)


class PathError(ValueError):
    """A path that can't be read, or that leads nowhere in a value; the message says which."""


class Path:
    """A path that selects a part of a JSON value."""

    def __init__(self, text: str) -> None:
        """Parse a path. Raises PathError."""
        self._text = text
        self._steps: list[_Step] = []
        self._single = True  # whether it leads to one value, as against a list of those it finds
        rest = text.strip()
        if not rest.startswith("$"):
            raise PathError(f"{text!r} is no JSONPath: it must begin with $.")
        position = 1
        while position < len(rest):
            found = _STEP.match(rest, position)
            if found is None:
                raise PathError(
                    f"{text!r} has at {rest[position:]!r} something else than the operators .name, .*, ['name'], "
                    "[0], [0, 1], [1:3] and [*]."
                )
            self._add(found)
            position = found.end()

    @property
    def whole(self) -> bool:
        """Return whether the path selects everything, as `$` does."""
        return not self._steps

    def select(self, value: Any) -> Any:
        """Return the part of a value that the path leads to. Raises PathError if there is none."""
        found = [value]
        for step in self._steps:
            found = [part for each in found for part in step(each)]
        if self._single and not found:
            raise PathError(f"{self._text!r} leads nowhere in the record.")
        return found[0] if self._single else found

    def _add(self, found: re.Match[str]) -> None:
        if found["name"] is not None:
            self._steps.append(_names([found["name"]]))
        elif found["names"] is not None:
            self._steps.append(_names(re.findall(r"'([^']*)'", found["names"])))
        elif found["numbers"] is not None:
            numbers = [int(each) for each in found["numbers"].split(",")]
            self._single = self._single and len(numbers) == 1
            self._steps.append(_numbers(numbers, self._text))
        elif found["slice"] is not None:
            first, _, last = found["slice"].partition(":")
            self._single = False
            self._steps.append(_slice(slice(*(int(each) if each.strip() else None for each in (first, last)))))
        else:
            self._single = False
            self._steps.append(_all)


def _names(names: list[str]) -> _Step:
    """Return the step of `['name', …]`: one name leads to its value, several to an object of theirs."""

    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            if len(names) > 1:
                yield {name: value[name] for name in names if name in value}
            elif names[0] in value:
                yield value[names[0]]

    return step


def _numbers(numbers: list[int], path: str) -> _Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            for number in numbers:
                if not -len(value) <= number < len(value):
                    raise PathError(f"{path!r} leads nowhere in the record: a list of {len(value)} has no [{number}].")
                yield value[number]

    return step


def _slice(part: slice) -> _Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[part]

    return step


def _all(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()
