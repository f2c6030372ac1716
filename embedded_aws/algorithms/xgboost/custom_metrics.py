"""Metrics that XGBoost's container adds to the library's own, from scikit-learn.

Source: metrics/custom_metrics.py of aws/sagemaker-xgboost-container. Since 3.0-5 its metrics of classes are wrong: they
take probabilities, which the library hands over since then, for margins. Here classes are what the metrics'
documentation says.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import xgboost as xgb

    Evaluate = Callable[[Any, "xgb.DMatrix"], list[tuple[str, float]]]

_OF_CLASSES: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "f1": partial(metrics.f1_score, average="macro"),
    "f1_binary": partial(metrics.f1_score, average="binary"),
    "f1_macro": partial(metrics.f1_score, average="macro"),
    "precision": metrics.precision_score,
    "precision_macro": partial(metrics.precision_score, average="macro"),
    "precision_micro": partial(metrics.precision_score, average="micro"),
    "recall": metrics.recall_score,
    "recall_macro": partial(metrics.recall_score, average="macro"),
    "recall_micro": partial(metrics.recall_score, average="micro"),
}
_OF_NUMBERS: dict[str, Callable[[Any, Any], float]] = {
    "mae": metrics.mean_absolute_error,
    "mse": metrics.mean_squared_error,
    "r2": metrics.r2_score,
    "rmse": lambda labels, values: float(np.sqrt(metrics.mean_squared_error(labels, values))),
}
NAMES = (*_OF_CLASSES, *_OF_NUMBERS)


def evaluation(names: Sequence[str], objective: str) -> Evaluate:
    """Return what evaluates these metrics for a model of an objective: called with its predictions and the data."""

    def evaluate(predictions: Any, data: xgb.DMatrix) -> list[tuple[str, float]]:
        labels = data.get_label()
        return [(name, _value(name, labels, predictions, objective)) for name in names]

    return evaluate


def classes(predictions: Any, objective: str) -> Any:
    """Return the classes that predictions stand for: rows of probabilities, one each, margins, or classes."""
    if predictions.ndim > 1:
        return np.argmax(predictions, axis=-1)
    if objective == "multi:softmax":
        return predictions
    return (predictions > (0.0 if objective == "binary:logitraw" else 0.5)).astype(int)


def _value(name: str, labels: Any, predictions: Any, objective: str) -> float:
    if name in _OF_CLASSES:
        return float(_OF_CLASSES[name](labels, classes(predictions, objective))) if predictions.size else 0.0
    return float(_OF_NUMBERS[name](labels, predictions))
