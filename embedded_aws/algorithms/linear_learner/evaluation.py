"""Measure the model that is kept, on a channel's data, by the names of AWS's metrics.

Source: SageMaker's guide, "Tune a linear learner model"; names and their order as logs have them (2024).
Not compared with AWS: the gain of dcg, which is 1 / log2(1 + rank) of the right label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import fbeta_score, precision_score, recall_score, roc_auc_score

from embedded_aws.algorithms.linear_learner.hyperparameters import BINARY, REGRESSOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Array = np.ndarray[Any, Any]

Measured = tuple[str, float, str]


def measure(hyperparameters: Mapping[str, Any], outputs: Array, labels: Array, threshold: float) -> Iterator[Measured]:
    """Yield names, values and kinds of a model's metrics, of outputs (records, classes) for labels as given."""
    predictor = hyperparameters["predictor_type"]
    if predictor == REGRESSOR:
        yield from _regressor(outputs[:, 0], labels)
    elif predictor == BINARY:
        yield from _binary(hyperparameters["f_beta"], outputs[:, 0], labels, threshold)
    else:
        yield from _multiclass(hyperparameters, outputs, labels)


def _regressor(outputs: Array, labels: Array) -> Iterator[Measured]:
    errors = outputs - labels
    mse = float(np.mean(np.square(errors)))
    yield "mse", mse, "loss"
    yield "absolute_loss", float(np.mean(np.abs(errors))), "loss"
    yield "rmse", float(np.sqrt(mse)), "loss"


def _binary(beta: float, outputs: Array, labels: Array, threshold: float) -> Iterator[Measured]:
    predicted = outputs >= threshold
    yield "binary_classification_accuracy", float(np.mean(predicted == labels)), "score"
    yield f"binary_f_{beta:.3f}", float(fbeta_score(labels, predicted, beta=beta, zero_division=0)), "score"
    yield "precision", float(precision_score(labels, predicted, zero_division=0)), "score"
    yield "recall", float(recall_score(labels, predicted, zero_division=0)), "score"
    if len(np.unique(labels)) > 1:
        yield "roc_auc_score", float(roc_auc_score(labels, outputs)), "score"


def _multiclass(given: Mapping[str, Any], outputs: Array, labels: Array) -> Iterator[Measured]:
    predicted = outputs.argmax(axis=1)
    right = outputs[np.arange(len(labels)), labels.astype(np.int64)]
    ranks = 1 + (outputs > right[:, None]).sum(axis=1)
    top, beta = given["accuracy_top_k"], given["f_beta"]
    each = {"average": "macro", "zero_division": 0}
    recall = float(recall_score(labels, predicted, **each))
    yield "multiclass_accuracy", float(np.mean(predicted == labels)), "score"
    yield f"multiclass_top_k_accuracy_{top}", float(np.mean(ranks <= top)), "score"
    yield "dcg", float(np.mean(1 / np.log2(1 + ranks))), "score"
    yield "macro_recall", recall, "score"
    yield "macro_precision", float(precision_score(labels, predicted, **each)), "score"
    yield f"macro_f_{beta:.3f}", float(fbeta_score(labels, predicted, beta=beta, **each)), "score"
    yield "multiclass_balanced_accuracy", recall, "score"
