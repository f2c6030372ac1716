"""The hyperparameters: the one table of what each is, what it may be, and what it is unless somebody says otherwise.

Read by train.py for its flags, by the lab's settings (`lab.epochs` …) and by `./lab tune`. Imports Python's standard
library alone: whoever reads the table waits for no TensorFlow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Search:
    """What `./lab tune` tries unless told otherwise: one range "low:high", or values; `grid`, values only, in a grid.

    `kind` is SageMaker's name of the ranges that may be given instead: Continuous or Integer. They are searched on a
    logarithmic scale: as many trials fall between 0.0001 and 0.001 as between 0.001 and 0.01.
    """

    kind: str
    values: tuple[str, ...]
    grid: tuple[str, ...]
    scaling: str = "Logarithmic"


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """What every row of the table has; `search` is None for what is not tuned."""

    default: int | float | str
    help: str
    search: Search | None = None


@dataclass(frozen=True, kw_only=True)
class WholeNumber(Hyperparameter):
    """A whole number, from `lowest` to `highest`."""

    lowest: int
    highest: int

    def parse(self, name: str, text: str) -> int:
        """Return the number. Raises ValueError in one sentence that names `name`, the text and the rule."""
        value = _digits(text)
        if value is None or not self.lowest <= value <= self.highest:
            raise ValueError(f"{name} is {text!r}; it needs to be a whole number from {self.lowest} to {self.highest}.")
        return value


@dataclass(frozen=True, kw_only=True)
class Number(Hyperparameter):
    """A number greater than `above` and at most `highest`."""

    above: float
    highest: float

    def parse(self, name: str, text: str) -> float:
        """Return the number. Raises ValueError in one sentence that names `name`, the text and the rule."""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not self.above < value <= self.highest:
            raise ValueError(
                f"{name} is {text!r}; it needs to be a number greater than {self.above:g} and at most "
                f"{self.highest:g}, such as {self.default}."
            )
        return value


@dataclass(frozen=True, kw_only=True)
class Widths(Hyperparameter):
    """The width of each hidden layer, first to last, from `lowest` to `highest`: "256,128" is two layers."""

    lowest: int
    highest: int

    def parse(self, name: str, text: str) -> tuple[int, ...]:
        """Return the widths. Raises ValueError in one sentence that names `name`, the text and the rule."""
        widths = [_digits(part) for part in text.split(",")]
        known = tuple(width for width in widths if width is not None and self.lowest <= width <= self.highest)
        if len(known) < len(widths):
            raise ValueError(
                f"{name} is {text!r}; it needs to be whole numbers from {self.lowest} to {self.highest} with commas "
                "between them, one for each hidden layer, such as 128 or 256,128."
            )
        return known


@dataclass(frozen=True, kw_only=True)
class Choice(Hyperparameter):
    """One of `choices`."""

    choices: tuple[str, ...]

    def parse(self, name: str, text: str) -> str:
        """Return the text. Raises ValueError in one sentence that names `name`, the text and the choices."""
        if text not in self.choices:
            raise ValueError(f"{name} is {text!r}; it needs to be {' or '.join(self.choices)}.")
        return text


EPOCHS = WholeNumber(default=10, lowest=1, highest=10_000, help="how often each training image is seen")

LEARNING_RATE = Number(
    default=0.001,
    above=0,
    highest=1,
    help="size of Adam's steps",
    search=Search(kind="Continuous", values=("0.0001:0.01",), grid=("0.0003", "0.001", "0.003")),
)

BATCH_SIZE = WholeNumber(
    default=32,
    lowest=1,
    highest=65_536,
    help="images that one step of the optimizer looks at",
    search=Search(kind="Integer", values=("16", "32", "64"), grid=("16", "32", "64")),
)

HIDDEN_UNITS = Widths(
    default="128",
    lowest=1,
    highest=99_999,
    help="width of each hidden layer: 128 or 256,128",
    search=Search(kind="Integer", values=("64", "128", "256", "256,128"), grid=("128", "256,128")),
)

# NumPy's seeds are 32 bits wide, and keras.utils.set_random_seed hands the seed to NumPy.
SEED = WholeNumber(default=0, lowest=0, highest=2**32 - 1, help="decides every random choice")

# The same numbers by either.
LOOP = Choice(default="fit", choices=("fit", "custom"), help="Keras's training loop, fit, or the lab's own, custom")

# The artifact is TensorFlow's in every case.
BACKEND = Choice(
    default="tensorflow",
    choices=("tensorflow", "jax", "torch"),
    help="what Keras computes with: tensorflow, jax or torch",
)

TABLE: dict[str, WholeNumber | Number | Widths | Choice] = {
    "epochs": EPOCHS,
    "learning_rate": LEARNING_RATE,
    "batch_size": BATCH_SIZE,
    "hidden_units": HIDDEN_UNITS,
    "seed": SEED,
    "loop": LOOP,
    "backend": BACKEND,
}
"""Every hyperparameter by its name. SageMaker passes each as a string: `TABLE[name].parse(name, text)` reads it."""


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """The settings of one training run, checked."""

    epochs: int
    batch_size: int
    learning_rate: float
    hidden_units: tuple[int, ...]
    seed: int
    loop: str
    backend: str


def parse(texts: dict[str, str]) -> Hyperparameters:
    """Read every hyperparameter from its string; raise ValueError with one sentence for the first that is wrong."""
    values: dict[str, Any] = {name: row.parse(name, texts[name]) for name, row in TABLE.items()}
    return Hyperparameters(**values)


def _digits(text: str) -> int | None:
    """Read plain decimal digits: int() alone would take "1_0" and other alphabets' digits too."""
    stripped = text.strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() else None
