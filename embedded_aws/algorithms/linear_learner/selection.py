"""Judge the models after an epoch: by their loss, or by what a classifier of two classes is wanted for.

Source: SageMaker's guide, binary_classifier_model_selection_criteria and "Validate and set the threshold": the
threshold is the one at which a model does best on the validation data.
Not compared with AWS: which of several thresholds that do equally well is taken; the first of the models that do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import precision_recall_curve

from embedded_aws.algorithms.linear_learner.hyperparameters import BINARY

if TYPE_CHECKING:
    from collections.abc import Mapping

    Array = np.ndarray[Any, Any]

_BY_LOSS = ("loss_function", "cross_entropy_loss")


@dataclass(frozen=True)
class Judged:
    """How good a model is, the more the better, and the output from which on it says 1."""

    value: float
    threshold: float


def criterion(hyperparameters: Mapping[str, Any]) -> str:
    """Return by what models are judged: a criterion of the guide's, or `loss_function`."""
    if hyperparameters["predictor_type"] != BINARY:
        return _BY_LOSS[0]
    name: str = hyperparameters["binary_classifier_model_selection_criteria"]
    return {"f1": "f_beta", _BY_LOSS[1]: _BY_LOSS[0]}.get(name, name)


def judge(name: str, hyperparameters: Mapping[str, Any], outputs: Array, labels: Array, loss: float) -> Judged:
    """Judge a model by its outputs (records,), or by its loss."""
    if name in _BY_LOSS or len(np.unique(labels)) == 1:
        return Judged(-loss, 0.0)
    if name == "accuracy":
        return _accuracy(outputs, labels)
    precision, recall, thresholds = precision_recall_curve(labels, outputs)
    precision, recall = precision[:-1], recall[:-1]  # the last pair has no threshold
    if name == "precision_at_target_recall":
        value = np.where(recall >= hyperparameters["target_recall"], precision, -1)
    elif name == "recall_at_target_precision":
        value = np.where(precision >= hyperparameters["target_precision"], recall, -1)
    else:
        square = hyperparameters["f_beta"] ** 2
        value = (1 + square) * precision * recall / np.maximum(square * precision + recall, 1e-12)
    best = int(value.argmax())
    return Judged(float(value[best]), _between(outputs, float(thresholds[best])))


def _accuracy(outputs: Array, labels: Array) -> Judged:
    """Count for each output how many are right if that, and all above, are 1."""
    order = np.argsort(-outputs, kind="stable")
    positives = np.cumsum(labels[order])
    said = np.arange(1, len(order) + 1)
    right = positives + (len(labels) - labels.sum()) - (said - positives)
    last_of_equals = np.append(np.diff(outputs[order]) != 0, True)
    best = int(np.where(last_of_equals, right, -1).argmax())
    return Judged(float(right[best]) / len(labels), _between(outputs, float(outputs[order[best]])))


def _between(outputs: Array, threshold: float) -> float:
    """Return the middle between a threshold and the next output below it: new records will lie between."""
    below = outputs[outputs < threshold]
    return (threshold + float(below.max())) / 2 if len(below) else threshold
