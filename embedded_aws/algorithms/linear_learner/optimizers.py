"""Optimizers: how parameters follow their gradients, each model's at a rate of its own.

Not compared with AWS: what `auto` means for rates and schedules. The schedule is what one job's log shows: 0.98 every
ten steps, down to 0.00001.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Array = np.ndarray[Any, Any]

AUTO = "auto"
_DEFAULT = "adam"
_BETA_1, _BETA_2, _MOMENTUM, _EPS, _FORGET = 0.9, 0.999, 0.9, 1e-8, 0.9
_SCHEDULE = {"lr_scheduler_step": 10, "lr_scheduler_factor": 0.98, "lr_scheduler_minimum_lr": 1e-5}


def or_default(value: Any, default: Any) -> Any:
    """Return what `auto` means, or the value that is given."""
    return default if value == AUTO else value


def of(hyperparameters: Mapping[str, Any]) -> Callable[[], Optimizer]:
    """Return what makes an optimizer, one for each array of parameters."""
    given = hyperparameters
    name = or_default(given["optimizer"], _DEFAULT)
    if name == "adam":
        first, second = or_default(given["beta_1"], _BETA_1), or_default(given["beta_2"], _BETA_2)
        return lambda: Adam(first, second)
    if name == "rmsprop":
        return RmsProp
    momentum = or_default(given["momentum"], _MOMENTUM)
    return lambda: Sgd(momentum)


class Schedule:
    """The share of its first learning rate that a model has after some steps, and the least rate."""

    def __init__(self, hyperparameters: Mapping[str, Any]) -> None:
        """Take it from the hyperparameters; without a schedule the rate stays."""
        values = {name: or_default(hyperparameters[name], default) for name, default in _SCHEDULE.items()}
        self._on = hyperparameters["use_lr_scheduler"]
        self._step, self._factor, self._minimum = values.values()

    def rates(self, rates: Array, steps: int) -> Array:
        """Return the rates after `steps`; a rate that was below the least one from the start stays."""
        if not self._on:
            return rates
        return np.asarray(np.maximum(rates * self._factor ** (steps // self._step), np.minimum(rates, self._minimum)))


class Optimizer:
    """Turns a gradient into a step, for a rate of 1; the arrays have one shape all the time."""

    def step(self, gradient: Array) -> Array:
        """Return what is subtracted, times the rate."""
        raise NotImplementedError


@dataclass
class Sgd(Optimizer):
    """Gradient descent with momentum."""

    momentum: float
    _velocity: Any = 0.0

    def step(self, gradient: Array) -> Array:
        """Return the gradient and what is left of earlier ones."""
        self._velocity = self.momentum * self._velocity + gradient
        return np.asarray(self._velocity)


@dataclass
class Adam(Optimizer):
    """Adam: gradients by their first moment, over the root of their second."""

    beta_1: float
    beta_2: float
    _moments: list[Any] = field(default_factory=lambda: [0.0, 0.0])
    _steps: int = 0

    def step(self, gradient: Array) -> Array:
        """Return the quotient, both moments without their bias to zero."""
        self._steps += 1
        first = self.beta_1 * self._moments[0] + (1 - self.beta_1) * gradient
        second = self.beta_2 * self._moments[1] + (1 - self.beta_2) * np.square(gradient)
        self._moments = [first, second]
        unbiased = np.sqrt(second / (1 - self.beta_2**self._steps)) + _EPS
        return np.asarray(first / (1 - self.beta_1**self._steps) / unbiased)


@dataclass
class RmsProp(Optimizer):
    """Gradients over the root of the mean of their squares."""

    _squares: Any = 0.0

    def step(self, gradient: Array) -> Array:
        """Return the quotient."""
        self._squares = _FORGET * self._squares + (1 - _FORGET) * np.square(gradient)
        return np.asarray(gradient / (np.sqrt(self._squares) + _EPS))
