"""What `./lab tune` searches: its options as SageMaker's ParameterRanges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import settings
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RANGE = re.compile(r"([^:]+):([^:]+)")


@dataclass(frozen=True)
class Tunable:
    """A setting that can be tuned: SageMaker's kind of its range, and what is searched unless told otherwise."""

    kind: str
    searched: tuple[str, ...]
    in_a_grid: tuple[str, ...]


TUNABLE = {
    "learning_rate": Tunable("Continuous", ("0.0001:0.01",), ("0.0003", "0.001", "0.003")),
    "batch_size": Tunable("Integer", ("16", "32", "64"), ("16", "32", "64")),
    "hidden_units": Tunable("Integer", ("64", "128", "256", "256,128"), ("128", "256,128")),
}


def ranges(given: Mapping[str, Sequence[str] | None], context: Sequence[str], *, grid: bool) -> dict[str, Any]:
    """ParameterRanges. Raises LabError that names the option and its rule."""
    made: dict[str, Any] = {}
    for name, tunable in TUNABLE.items():
        kind, entry = _entry(name, given.get(name) or (tunable.in_a_grid if grid else tunable.searched), grid=grid)
        for value in entry.get("Values", [entry.get("MinValue"), entry.get("MaxValue")]):
            _check(name, value, context)
        made.setdefault(f"{kind}ParameterRanges", []).append(entry)
    return made


def _entry(name: str, texts: Sequence[str], *, grid: bool) -> tuple[str, dict[str, Any]]:
    parts = [_RANGE.fullmatch(text) for text in texts]
    found = parts[0]
    if found is None and not any(parts):
        return "Categorical", {"Name": name, "Values": list(texts)}
    if found is None or len(parts) > 1:
        raise LabError(f"{option(name)} is given {len(texts)} times: give one range MIN:MAX, or values only.")
    if grid:
        raise LabError(f"{option(name)} {texts[0]}: Grid tries values only; give each, as in {_example(name)}.")
    low, high = (part.strip() for part in found.groups())
    if _number(name, low) >= _number(name, high):
        raise LabError(f"{option(name)} {texts[0]}: the range is upside down; give the smaller number first.")
    return TUNABLE[name].kind, {"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": "Logarithmic"}


def _number(name: str, text: str) -> float:
    try:
        return float(text) if TUNABLE[name].kind == "Continuous" else int(text)
    except ValueError:
        raise LabError(f"{option(name)}: {text} is not a number that a range can begin or end with.") from None


def _check(name: str, value: str, context: Sequence[str]) -> None:
    """Raise LabError unless the setting of that name could have the value."""
    try:
        settings.read([text for text in context if not text.startswith(f"lab.{name}=")], **{name: value})
    except LabError as error:
        rule = next((line for line in str(error).splitlines() if f"lab.{name}" in line), str(error))
        raise LabError(f"{option(name)} {value}: {rule.rpartition(': ')[2]}.") from None


def option(name: str) -> str:
    """The command's option for a setting."""
    return f"--{name.replace('_', '-')}"


def _example(name: str) -> str:
    return " ".join(f"{option(name)} {value}" for value in TUNABLE[name].in_a_grid)
