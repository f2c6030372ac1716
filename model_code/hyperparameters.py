"""What a training job may be told. SageMaker passes every value as a string."""

from __future__ import annotations

import math
from dataclasses import dataclass

_SEED_LIMIT = 2**32
"""NumPy's seeds are 32 bits wide, and keras.utils.set_random_seed hands the seed to NumPy."""

LOOPS = ("fit", "custom")
"""Keras's own training loop, and the lab's: the same numbers by either."""

BACKENDS = ("tensorflow", "jax", "torch")
"""What Keras computes with. The artifact is TensorFlow's in every case."""


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


def parse_epochs(text: str) -> int:
    """Return how often the network sees every training image."""
    return _whole_number("epochs", text, lowest=1)


def parse_batch_size(text: str) -> int:
    """Return how many images one step of the optimizer looks at."""
    return _whole_number("batch_size", text, lowest=1)


def parse_learning_rate(text: str) -> float:
    """Return the size of Adam's steps."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"learning_rate is {text!r}; it needs to be a number greater than 0, such as 0.001.")
    return value


def parse_hidden_units(text: str) -> tuple[int, ...]:
    """Return the width of each hidden layer, first to last: "256,128" is two layers."""
    try:
        widths = tuple(_digits(part) for part in text.split(","))
    except ValueError:
        widths = (0,)
    if min(widths) < 1:
        raise ValueError(
            f"hidden_units is {text!r}; it needs to be whole numbers of at least 1 with commas between them, "
            "one for each hidden layer, such as 128 or 256,128."
        )
    return widths


def parse_seed(text: str) -> int:
    """Return the number that decides every random choice."""
    seed = _whole_number("seed", text, lowest=0)
    if seed >= _SEED_LIMIT:
        raise ValueError(f"seed is {text!r}; it needs to be below {_SEED_LIMIT}.")
    return seed


def parse_loop(text: str) -> str:
    """Return which training loop runs."""
    return _one_of("loop", text, LOOPS)


def parse_backend(text: str) -> str:
    """Return what Keras computes with."""
    return _one_of("backend", text, BACKENDS)


def _one_of(name: str, text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise ValueError(f"{name} is {text!r}; it needs to be {' or '.join(known)}.")
    return text


def _whole_number(name: str, text: str, *, lowest: int) -> int:
    try:
        value = _digits(text)
    except ValueError:
        value = lowest - 1
    if value < lowest:
        raise ValueError(f"{name} is {text!r}; it needs to be a whole number of at least {lowest}.")
    return value


def _digits(text: str) -> int:
    """Read plain decimal digits: int() alone would take "1_0" and other alphabets' digits too."""
    stripped = text.strip()
    if not (stripped.isascii() and stripped.isdigit()):
        raise ValueError(text)
    return int(stripped)
