"""Hyperparameters by their rules: read, with defaults, and refused in the words of AWS's SDK of algorithms.

Sentences: ConfigValidator of that SDK (`vw_serving.sagemaker.integration`), which makes them of what a JSON schema
says; the pattern of positive integers is in the guide's "Logs for Built-in Algorithms".
Not compared with AWS: the patterns in which integers that may be 0, and floats, are described; that of several wrong
hyperparameters the first is named, unknown ones before missing ones before wrong values.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.algorithms.sdk.errors import CustomerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AUTO = "auto"
# The SDK's own, which it takes beside an algorithm's: default-conf.json as logs show it.
_OWN = re.compile(r"_[a-z0-9_]+")
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Rule:
    """What values a hyperparameter takes; `default` is what it has where none is given, None: nothing."""

    name: str
    default: str | None = None
    required: bool = False
    auto: bool = False

    def read(self, text: str) -> Any:
        """Return the value that a text means. Raises CustomerError."""
        if self.auto and text == AUTO:
            return AUTO
        try:
            return self.parse(text)
        except ValueError as error:
            raise CustomerError(self.refusal(text), caused_by="ValidationError") from error

    def parse(self, text: str) -> Any:
        """Return the value of a text that is not `auto`. Raises ValueError."""
        return text

    @property
    def expected(self) -> str:
        """Return what is expected, as the refusal says it."""
        return "a string"

    def refusal(self, text: str) -> str:
        """Return the sentence about a value that is none."""
        patterns = f"a string which matches the pattern '^{AUTO}$'; or {self.expected}" if self.auto else self.expected
        return (
            f"The value '{text}' is not valid for the '{self.name}' hyperparameter which expects one of the following: "
            f"{patterns}"
        )


@dataclass(frozen=True)
class Integer(Rule):
    """A whole number from `minimum` to `maximum`."""

    minimum: int = 1
    maximum: float = math.inf

    def parse(self, text: str) -> int:
        """Return the number. Raises ValueError."""
        value = int(text)
        if not self.minimum <= value <= self.maximum:
            raise ValueError(text)
        return value

    @property
    def expected(self) -> str:
        """Return the pattern and the range."""
        pattern = "^([1-9][0-9]*)$" if self.minimum == 1 else "^(0|[1-9][0-9]*)$"
        return (
            f"a string which matches the pattern '{pattern}'; or {_between('an integer', self.minimum, self.maximum)}"
        )


@dataclass(frozen=True)
class Float(Rule):
    """A number from `minimum` to `maximum`; `above`, `below`: without these themselves."""

    minimum: float = -math.inf
    maximum: float = math.inf
    above: bool = False
    below: bool = False

    def parse(self, text: str) -> float:
        """Return the number. Raises ValueError."""
        value = float(text)
        inside = math.isfinite(value) and self.minimum <= value <= self.maximum
        if not inside or (self.above and value == self.minimum) or (self.below and value == self.maximum):
            raise ValueError(text)
        return value

    @property
    def expected(self) -> str:
        """Return the pattern and the range."""
        pattern = r"^[+-]?([0-9]*[.])?[0-9]+([eE][-+]?[0-9]+)?$"
        return f"a string which matches the pattern '{pattern}'; or {_between('a number', self.minimum, self.maximum)}"


@dataclass(frozen=True)
class Choice(Rule):
    """One of a few words."""

    values: tuple[str, ...] = ()

    def parse(self, text: str) -> str:
        """Return the word. Raises ValueError."""
        if text not in self.values:
            raise ValueError(text)
        return text

    def refusal(self, text: str) -> str:
        """Return the sentence about a word that is none of them."""
        accepted = (AUTO, *self.values) if self.auto else self.values
        listed = ", ".join(f"'{value}'" for value in accepted)
        return (
            f"The value '{text}' is not valid for the '{self.name}' hyperparameter which accepts one of the following: "
            f"{listed}"
        )


@dataclass(frozen=True)
class Boolean(Choice):
    """`true` or `false`, in any case: the SageMaker SDK writes Python's words."""

    values: tuple[str, ...] = ("true", "false")

    def parse(self, text: str) -> Any:
        """Return what the word means. Raises ValueError."""
        return _BOOLEANS[super().parse(text.lower())]


@dataclass(frozen=True)
class JsonList(Rule):
    """A list of some words, as JSON."""

    values: tuple[str, ...] = ()

    def parse(self, text: str) -> list[str]:
        """Return the list. Raises ValueError."""
        listed = json.loads(text.replace("'", '"'))
        if not isinstance(listed, list) or not listed or not {*listed} <= {*self.values}:
            raise ValueError(text)
        return listed

    @property
    def expected(self) -> str:
        """Return what the list is of."""
        return f"a JSON list of {' and '.join(self.values)}"


def read(given: Mapping[str, str], rules: Iterable[Rule]) -> dict[str, Any]:
    """Return the value of each hyperparameter that has one, given or by default. Raises CustomerError."""
    by_name = {rule.name: rule for rule in rules}
    given = {name: value for name, value in given.items() if not _OWN.fullmatch(name)}
    unknown = [name for name in given if name not in by_name]
    if unknown:
        named = ", ".join(f"'{name}'" for name in unknown)
        were = "were" if len(unknown) > 1 else "was"
        raise CustomerError(
            f"Additional hyperparameters are not allowed ({named} {were} unexpected)", caused_by="ValidationError"
        )
    missing = [f"'{rule.name}'" for rule in by_name.values() if rule.required and rule.name not in given]
    if missing:
        raise CustomerError(
            f"No value(s) were specified for {', '.join(missing)} which are required hyperparameter(s)",
            caused_by="ValidationError",
        )
    texts = {name: given.get(name, rule.default) for name, rule in by_name.items()}
    return {name: by_name[name].read(text) for name, text in texts.items() if text is not None}


def _between(what: str, minimum: float, maximum: float) -> str:
    if math.isfinite(minimum) and math.isfinite(maximum):
        return f"{what} between {minimum} and {maximum}"
    if math.isfinite(minimum):
        return f"{what} greater than {minimum}"
    return f"{what} less than {maximum}" if math.isfinite(maximum) else what
