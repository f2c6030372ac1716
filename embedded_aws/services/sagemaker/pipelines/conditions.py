"""Conditions: what a condition step decides by.

Types and members: the public pipeline definition schema, and what the SageMaker SDK 3 writes (`QueryValue` and
`Values` of In, `Condition` of Not). All of a step's conditions must hold. Not compared with AWS: that a number is
compared with a text which is one; what becomes of values that can't be compared, which fail the step here.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "NotEquals": operator.ne,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
MEMBERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(COMPARISONS, ("LeftValue", "RightValue")),
    "In": ("QueryValue", "Values"),
    "Not": ("Condition",),
    "Or": ("Conditions",),
}


class ComparisonError(Exception):
    """Values that can't be compared."""


def problems(condition: Any) -> Iterator[str]:
    """Yield what is wrong with a condition as a definition has it, in AWS's sentences."""
    if not isinstance(condition, dict):
        yield "Expecting start of Json Object."
        return
    kind = condition.get("Type")
    if kind not in MEMBERS:
        yield f"Unknown condition type '{kind}'. It is one of {', '.join(MEMBERS)}."
        return
    for name in condition.keys() - {"Type", *MEMBERS[kind]}:
        yield f"Cannot parse object, unknown property '{name}'."
    for name in MEMBERS[kind]:
        if name not in condition:
            yield f"The condition {kind} needs the property '{name}'."
    for inner in [condition.get("Condition"), *(condition.get("Conditions") or ())]:
        if inner is not None:
            yield from problems(inner)


def holds(condition: Mapping[str, Any]) -> bool:
    """Return whether a condition, whose values are resolved, holds. Raises ComparisonError."""
    match condition["Type"]:
        case "In":
            return any(_compare("Equals", condition["QueryValue"], each) for each in condition["Values"])
        case "Not":
            return not holds(condition["Condition"])
        case "Or":
            return any(holds(each) for each in condition["Conditions"])
        case kind:
            return _compare(kind, condition["LeftValue"], condition["RightValue"])


def _compare(kind: str, left: Any, right: Any) -> bool:
    left, right = _alike(left, right)
    try:
        return bool(COMPARISONS[kind](left, right))
    except TypeError as error:
        raise ComparisonError(f"The condition {kind} can't compare {left!r} with {right!r}.") from error


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Return both as numbers if one is a number and the other a text that is one, else as they are."""
    for one, other, swapped in ((left, right, False), (right, left, True)):
        if isinstance(one, int | float) and not isinstance(one, bool) and isinstance(other, str):
            try:
                number = float(other)
            except ValueError:
                continue
            return (number, one) if swapped else (one, number)
    return left, right
