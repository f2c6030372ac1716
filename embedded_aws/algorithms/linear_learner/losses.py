"""Losses of linear models: what they come to on each record, and how they change with the model's output.

Outputs are (records, models, classes), with one class unless there are several; labels (records,). Definitions:
SageMaker's guide, "Linear learner hyperparameters".
Not compared with AWS: the names of the objectives in the log, but for the two cross entropies, which logs show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Array = np.ndarray[Any, Any]
    Function = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Loss:
    """`value` (records, models) and `gradient` (records, models, classes) at outputs and labels; name in the log."""

    objective: str
    value: Function
    gradient: Function


def of(name: str, hyperparameters: Mapping[str, Any]) -> Loss:
    """Return a loss by its name."""
    margin, delta = hyperparameters["margin"], hyperparameters["huber_delta"]
    insensitivity, quantile = hyperparameters["loss_insensitivity"], hyperparameters["quantile"]
    if name == "softmax_loss":
        return Loss("multiclass_cross_entropy_objective", _cross_entropy, _cross_entropy_gradient)
    if name == "logistic":
        return Loss("binary_classification_cross_entropy_objective", _logistic, _logistic_gradient)
    if name == "hinge_loss":
        return Loss(
            "hinge_loss_objective",
            lambda outputs, labels: np.maximum(margin - _signed(outputs, labels), 0)[..., 0],
            lambda outputs, labels: np.where(_signed(outputs, labels) < margin, -_signs(labels), 0),
        )
    residual: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
        "squared_loss": (np.square, lambda r: 2 * r),
        "absolute_loss": (np.abs, np.sign),
        "eps_insensitive_squared_loss": (
            lambda r: np.square(_beyond(r, insensitivity)),
            lambda r: 2 * _beyond(r, insensitivity),
        ),
        "eps_insensitive_absolute_loss": (
            lambda r: np.abs(_beyond(r, insensitivity)),
            lambda r: np.sign(_beyond(r, insensitivity)),
        ),
        # The residual is output less label: the quantile weighs outputs that are too small.
        "quantile_loss": (
            lambda r: np.maximum((1 - quantile) * r, -quantile * r),
            lambda r: np.where(r > 0, 1 - quantile, -quantile),
        ),
        "huber_loss": (
            lambda r: np.where(np.abs(r) <= delta, np.square(r) / 2, delta * (np.abs(r) - delta / 2)),
            lambda r: np.clip(r, -delta, delta),
        ),
    }
    objective = "mse_objective" if name == "squared_loss" else f"{name}_objective"
    value, gradient = residual[name]
    return Loss(
        objective,
        lambda outputs, labels: np.asarray(value(_residual(outputs, labels)[..., 0])),
        lambda outputs, labels: np.asarray(gradient(_residual(outputs, labels))),
    )


def _residual(outputs: Array, labels: Array) -> Array:
    return outputs - labels[:, None, None]


def _beyond(residual: Array, insensitivity: float) -> Array:
    return np.sign(residual) * np.maximum(np.abs(residual) - insensitivity, 0)


def _signs(labels: Array) -> Array:
    """Return -1 for the label 0 and 1 for 1, as (records, 1, 1)."""
    return (2 * labels - 1)[:, None, None]


def _signed(outputs: Array, labels: Array) -> Array:
    return outputs * _signs(labels)


def _logistic(outputs: Array, labels: Array) -> Array:
    return np.asarray(np.logaddexp(0, -_signed(outputs, labels))[..., 0])


def _logistic_gradient(outputs: Array, labels: Array) -> Array:
    return np.asarray(special.expit(outputs) - labels[:, None, None])


def _cross_entropy(outputs: Array, labels: Array) -> Array:
    chosen = np.take_along_axis(outputs, labels.astype(np.int64)[:, None, None], axis=2)[..., 0]
    return np.asarray(special.logsumexp(outputs, axis=2) - chosen)


def _cross_entropy_gradient(outputs: Array, labels: Array) -> Array:
    gradient = special.softmax(outputs, axis=2)
    gradient[np.arange(len(labels)), :, labels.astype(np.int64)] -= 1
    return np.asarray(gradient)
