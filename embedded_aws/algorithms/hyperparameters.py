"""Hyperparameters: which an algorithm has, of what type and range, and AWS's sentences on those that can't be.

Follows sagemaker_algorithm_toolkit/hyperparameter_validation.py of aws/sagemaker-xgboost-container: a job gives texts;
they are parsed, held to their ranges, then to rules between them, and the first that can't be ends the job.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.algorithms.errors import AlgorithmError, UserError

Rule = Callable[[Any, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`, both included unless open; None: without bound. Prints as AWS prints it."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: object) -> bool:
        """Tell whether a number lies in it."""
        number: Any = value
        above = self.low is None or (number > self.low if self.open_low else number >= self.low)
        return above and (self.high is None or (number < self.high if self.open_high else number <= self.high))

    def __str__(self) -> str:
        low = "(-inf" if self.low is None else f"{'(' if self.open_low else '['}{self.low}"
        high = "+inf)" if self.high is None else f"{self.high}{')' if self.open_high else ']'}"
        return f"{low}, {high}"


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """A hyperparameter: any text, unless it is of one of the types below.

    `allowed` is its range, `rule` is called with its value and all values of the job and raises UserError. `tunable`
    says that a tuning job of AWS's takes it.
    """

    name: str
    required: bool = False
    default: Any = None
    tunable: bool = False
    allowed: Container[Any] | None = None
    rule: Rule | None = None

    def parse(self, text: str) -> Any:
        """Return the value that a text stands for. Raises ValueError."""
        return text

    def check_range(self, value: Any) -> None:
        """Raise UserError for a value out of the range."""
        if self.allowed is not None and value not in self.allowed:
            raise UserError(f"Hyperparameter {self.name}: {value} is not in {self.allowed}")


class Integer(Hyperparameter):
    """A whole number."""

    def parse(self, text: str) -> int:
        """Return the number."""
        return int(text)


class Continuous(Hyperparameter):
    """A number."""

    def parse(self, text: str) -> float:
        """Return the number."""
        return float(text)


class Categorical(Hyperparameter):
    """One of several texts."""


class _Several(Hyperparameter):
    """Several values, each of which lies in the range."""

    def check_range(self, value: Any) -> None:
        """Raise UserError if one is out of the range."""
        if self.allowed is not None and any(each not in self.allowed for each in self.flat(value)):
            raise UserError(f"Hyperparameter {self.name}: value {value} not in range {self.allowed}")

    def flat(self, value: Any) -> Any:
        """Return the single values."""
        return value


class CommaSeparated(_Several):
    """Texts with commas between them."""

    def parse(self, text: str) -> list[str]:
        """Return the texts."""
        return text.split(",")


class Tuple(_Several):
    """Numbers as Python writes a tuple of them: `(1, 0, -1)`."""

    def parse(self, text: str) -> Any:
        """Return the tuple. Raises SyntaxError too, which is no ValueError and is reported as it is, as by AWS."""
        return ast.literal_eval(text)


class NestedList(Tuple):
    """Lists of numbers as Python writes them: `[[1, 2], [3, 4]]`."""

    def flat(self, value: Any) -> Any:
        """Return the numbers of all lists."""
        return [each for inner in value for each in inner]


@dataclass(frozen=True)
class Schema:
    """The hyperparameters of an algorithm; `aliases` are other names for some."""

    hyperparameters: tuple[Hyperparameter, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def tunable(self) -> set[str]:
        """Return the names of those that AWS tunes. It knows no aliases: they are the container's."""
        return {each.name for each in self.hyperparameters if each.tunable}

    def validate(self, given: Mapping[str, str]) -> dict[str, Any]:
        """Return the values of a job's hyperparameters and of defaults. Raises UserError or AlgorithmError."""
        known = {each.name: each for each in self.hyperparameters}
        texts: dict[str, Any] = {self.aliases.get(name, name): text for name, text in given.items()}
        for each in self.hyperparameters:
            if each.name not in texts and each.required:
                raise UserError(f"Missing required hyperparameter: {each.name}")
        values = {name: _parse(known, name, text) for name, text in texts.items()}
        values |= {
            each.name: each.default
            for each in self.hyperparameters
            if each.default is not None and each.name not in texts
        }
        for name, value in values.items():
            _check_range(known[name], value)
        for name, value in values.items():
            if rule := known[name].rule:
                rule(value, values)
        return values


def _parse(known: Mapping[str, Hyperparameter], name: str, text: str) -> Any:
    if name not in known:
        raise UserError(f"Extraneous hyperparameter found: {name}")
    try:
        return known[name].parse(text)
    except ValueError as error:
        raise UserError(f"Hyperparameter {name}: could not parse value", caused_by=error) from error


def _check_range(hyperparameter: Hyperparameter, value: Any) -> None:
    try:
        hyperparameter.check_range(value)
    except TypeError as error:
        sentence = f"Hyperparameter {hyperparameter.name}: unexpected failure when validating {value}"
        raise AlgorithmError(sentence, caused_by=error) from error
