"""ParameterRanges: the combinations of hyperparameters that a tuning job may try, on the scales that they name.

Which scale Auto stands for is AWS's secret; here it is Logarithmic for what is above 0 and spans two orders of
magnitude or more, else Linear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WIDE = 100
NUMERIC = ("IntegerParameterRanges", "ContinuousParameterRanges")
CATEGORICAL = "CategoricalParameterRanges"


@dataclass(frozen=True)
class Choice:
    """A categorical hyperparameter."""

    name: str
    values: tuple[str, ...]

    @property
    def size(self) -> float:
        """Return how many values it can take."""
        return len(self.values)


@dataclass(frozen=True)
class Interval:
    """An integer or continuous hyperparameter, both bounds included; `scale` is Linear, Logarithmic or its reverse."""

    name: str
    low: float
    high: float
    whole: bool
    scale: str

    @property
    def size(self) -> float:
        """Return how many values it can take."""
        return self.high - self.low + 1 if self.whole else math.inf if self.high > self.low else 1


Parameter = Choice | Interval


@dataclass(frozen=True, eq=False)
class Proposal:
    """A combination to try, as a training job's hyperparameters; `token` is the strategy's own."""

    values: dict[str, str]
    token: Any = None


class RangeError(ValueError):
    """A range that can't be searched; the message says why."""


def parameters(ranges: Mapping[str, Any]) -> Iterator[Parameter]:
    """Yield the hyperparameters of ParameterRanges. Raises RangeError."""
    for kind in NUMERIC:
        for each in ranges.get(kind, ()):
            yield _interval(each, whole=kind == "IntegerParameterRanges")
    for each in ranges.get(CATEGORICAL, ()):
        yield Choice(each["Name"], tuple(dict.fromkeys(each["Values"])))


def size(space: tuple[Parameter, ...]) -> float:
    """Return how many combinations there are."""
    return math.prod(each.size for each in space)


def combinations(space: tuple[Parameter, ...]) -> Iterator[dict[str, str]]:
    """Yield every combination of a space of finite size, the last hyperparameter changing fastest."""
    names = [each.name for each in space]
    for values in product(*(_values(each) for each in space)):
        yield dict(zip(names, values, strict=True))


def to_text(parameter: Parameter, value: Any) -> str:
    """Return a value as the hyperparameter that a training job is given."""
    if isinstance(parameter, Choice):
        return str(value)
    return str(int(value)) if parameter.whole else repr(float(value))


def _values(parameter: Parameter) -> Iterator[str]:
    if isinstance(parameter, Choice):
        yield from parameter.values
    elif parameter.whole:
        yield from (str(value) for value in range(int(parameter.low), int(parameter.high) + 1))
    else:
        yield to_text(parameter, parameter.low)


def _interval(given: Mapping[str, str], *, whole: bool) -> Interval:
    name = given["Name"]
    low, high = (_number(name, given[bound], whole=whole) for bound in ("MinValue", "MaxValue"))
    if low > high:
        raise RangeError(
            f"The range of the hyperparameter {name} is upside down: its MinValue, {given['MinValue']}, must not be "
            f"greater than its MaxValue, {given['MaxValue']}."
        )
    scale = given.get("ScalingType", "Auto")
    if scale == "Auto":
        scale = "Logarithmic" if low > 0 and high >= _WIDE * low else "Linear"
    _check_scale(name, scale, low, high, whole=whole)
    return Interval(name, low, high, whole, scale)


def _number(name: str, text: str, *, whole: bool) -> float:
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        kind = "an integer" if whole else "a number"
        raise RangeError(f"{text} is not {kind}: the bounds of the hyperparameter {name} must be.")
    return value


def _check_scale(name: str, scale: str, low: float, high: float, *, whole: bool) -> None:
    if scale == "Logarithmic" and low <= 0:
        raise RangeError(f"Logarithmic scaling works only for values greater than 0, and {name} begins at {low:g}.")
    if scale == "ReverseLogarithmic" and whole:
        raise RangeError(f"ReverseLogarithmic scaling is not supported for integer hyperparameters, and {name} is one.")
    if scale == "ReverseLogarithmic" and not 0 <= low <= high < 1:
        raise RangeError(f"ReverseLogarithmic scaling works only within 0<=x<1.0, and {name} leaves that.")
