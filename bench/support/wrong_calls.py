"""Calls of AWS that nobody should make: a right one's members, of which one is missing, another's or beyond reason."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    Place = tuple[Any, Any]  # a dictionary or list, and a key of it

_TEXTS = (
    *("", " ", "-", "..", "../../etc/passwd", "%00", "a\x00b", "\r\nX-Other: 1", "ü" * 3, "\U0001f9f1", "\ud800"),
    *("{", "[" * 2000, "<a>&amp;</b>", "arn:aws:s3:::", "arn:aws:iam::000000000000:role/none", "s3://", "x" * 3000),
    *("9" * 400, "NaN", "null", "true", "1970-01-01T00:00:00Z", "'; DROP TABLE services; --", "${Nothing}"),
)
_NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**30, 0.5, float("nan"), float("inf"), True)
_OTHERS: tuple[Any, ...] = (None, [], {}, [[]], [None], {"": ""}, {"a": {"b": {}}}, b"", b"\xff\xfe")


def spoilt(choice: random.Random, members: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a call with something wrong; by accident it may be right."""
    wrong: dict[str, Any] = _copied(members)
    for _ in range(choice.choice((1, 1, 1, 2, 4))):
        places = list(_places(wrong))
        if not places:
            return {"Nonsense": choice.choice(_TEXTS)}
        holder, key = choice.choice(places)
        match choice.randrange(4):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[f"{key}x"] = holder.pop(key)
            case 2:
                holder[key] = _bent(choice, holder[key])
            case _:
                holder[key] = copy.deepcopy(choice.choice(choice.choice((_TEXTS, _NUMBERS, _OTHERS))))
    return wrong


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return value if isinstance(value, io.IOBase) else copy.copy(value)


def _bent(choice: random.Random, value: Any) -> Any:
    """Return nearly the same."""
    if isinstance(value, str):
        place = choice.randrange(len(value) + 1)
        return choice.choice((value[:place], value[:place] + choice.choice(_TEXTS) + value[place:], value * 40))
    if isinstance(value, (int, float)):
        return choice.choice((-value, value + 1, value * 1000, str(value)))
    if isinstance(value, list):
        return choice.choice((value * 2, value * 200, value[:-1]))
    return [value]


def _places(value: Any) -> Any:
    """Yield where there is something to spoil, as deep as it lies."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])
