"""Learn a linear model: epochs over mini-batches, for all candidates at once, until they get no better.

Records are taken in the order in which they are given, as the guide's advice to shuffle them before implies. The
objective is measured on labels as the models learn them, which a regressor's are normalized for.
Not compared with AWS: the order of records; on which labels the objective is measured.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from embedded_aws.algorithms.linear_learner import candidates, losses, scaling, selection
from embedded_aws.algorithms.linear_learner.candidates import Trainer
from embedded_aws.algorithms.linear_learner.hyperparameters import BINARY, LOSSES, MULTICLASS
from embedded_aws.algorithms.linear_learner.optimizers import Schedule, or_default
from embedded_aws.algorithms.linear_learner.selection import Judged
from embedded_aws.algorithms.sdk.channels import TRAIN, VALIDATION
from embedded_aws.algorithms.sdk.errors import CustomerError
from embedded_aws.algorithms.sdk.training import SEED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.algorithms.linear_learner.candidates import Candidates
    from embedded_aws.algorithms.linear_learner.losses import Loss
    from embedded_aws.algorithms.linear_learner.scaling import Scaling
    from embedded_aws.algorithms.records import Matrix
    from embedded_aws.algorithms.sdk.channels import Channel
    from embedded_aws.algorithms.sdk.training import Task

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Learnt:
    """The model that is kept: weights (d, classes) and bias (classes,) for data as it is given.

    `threshold` is the output from which on a classifier of two classes says 1, `loss` its loss's name.
    """

    weights: Array
    bias: Array
    threshold: float
    loss: str
    settings: Mapping[str, float]

    def outputs(self, features: Matrix) -> Array:
        """Return what the model says of records: (records, classes)."""
        return np.asarray(features @ self.weights) + self.bias


@dataclass(frozen=True)
class _Scaled:
    """A channel's data as the models learn it."""

    name: str
    features: Matrix
    labels: Array

    @classmethod
    def of(cls, channel: Channel, by: Scaling) -> _Scaled:
        return cls(channel.name, by.features(channel.features), by.labels(channel.labels))


def learn(task: Task) -> Learnt:
    """Return the best model that was learnt from the training data."""
    given, log = task.hyperparameters, task.log
    by = scaling.of(given, task.train.features, task.train.labels)
    data = _Scaled.of(task.train, by)
    judged = _Scaled.of(task.channels[VALIDATION], by) if VALIDATION in task.channels else data
    name = or_default(given["loss"], LOSSES[given["predictor_type"]][0])
    loss = losses.of(name, given)
    classes = given["num_classes"] if given["predictor_type"] == MULTICLASS else 1
    of = candidates.settings(given, _balance(task.train.labels), tuned=task.tuned)
    shape = (data.features.shape[1], classes)
    models = candidates.initial(given, shape, of, np.random.default_rng(SEED))
    trainer = Trainer(models, given, loss, Schedule(given))
    weights = _record_weights(given, task.train.labels, of.positive_weight)
    best = _Best(given, loss)
    size, started = given["mini_batch_size"], time.monotonic()
    for epoch in range(given["epochs"]):
        # A model whose rate is too high is judged the worst. Mini-batches are too small to be shared out over cores.
        with np.errstate(over="ignore", invalid="ignore"), threadpool_limits(1, "blas"):
            for start in range(0, len(data.labels), size):
                rows = slice(start, start + size)
                trainer.learn(data.features[rows], data.labels[rows], weights[rows])
            for channel in {TRAIN: data, judged.name: judged}.values():
                values = _objectives(models, channel, loss)
                log.quality(loss.objective, float(values.min()), of=channel.name, kind="loss", epoch=epoch)
        if not best.improves(models, judged, values, epoch, task):
            log.line("Early stop condition met. Stopping training.")
            log.progress(given["epochs"] - 1, given["epochs"])
            break
        log.progress(epoch, given["epochs"])
    log.throughput(len(data.labels) * (epoch + 1), time.monotonic() - started)
    original, bias = by.unscaled(best.weights, best.bias)
    return Learnt(original, bias, best.threshold, name, best.settings)


class _Best:
    """The best model of all epochs, and whether it is still worth to go on."""

    def __init__(self, hyperparameters: Mapping[str, Any], loss: Loss) -> None:
        self._given, self._loss = hyperparameters, loss
        self._criterion = selection.criterion(hyperparameters)
        self._value, self._waited = -np.inf, 0
        self.threshold = 0.0
        self.settings: Mapping[str, float] = {}

    def improves(self, models: Candidates, data: _Scaled, objectives: Array, epoch: int, task: Task) -> bool:
        """Judge the models after an epoch; tell whether to go on."""
        outputs = self._outputs(models, data)
        labels = data.labels[: len(outputs)]
        judged = [
            selection.judge(self._criterion, self._given, outputs[:, model], labels, float(objectives[model]))
            if np.isfinite(objectives[model])
            else Judged(-np.inf, 0.0)
            for model in range(len(objectives))
        ]
        chosen = int(np.argmax([one.value for one in judged]))
        value = judged[chosen].value
        task.log.stopping(self._criterion, abs(value), epoch=epoch)
        if not np.isfinite(value):
            raise CustomerError("The loss is no number any more. Please try a smaller learning_rate.")
        gain = value - self._value
        first = not np.isfinite(self._value)
        enough = first or gain > self._given["early_stopping_tolerance"] * abs(self._value)
        self._waited = 0 if enough else self._waited + 1
        if gain > 0:
            task.log.line(f"Epoch {epoch}: Loss improved. Updating best model")
            self._value, self.threshold = value, judged[chosen].threshold
            self.weights, self.bias = models.weights[:, chosen].copy(), models.bias[chosen].copy()
            self.settings = models.settings.of(chosen)
        return bool(self._waited < self._given["early_stopping_patience"])

    def _outputs(self, models: Candidates, data: _Scaled) -> Array:
        """Return the outputs by which a classifier of two classes is judged and its threshold set."""
        if self._given["predictor_type"] != BINARY:
            return np.zeros((0, len(models.bias)))
        number = or_default(self._given["num_calibration_samples"], data.features.shape[0])
        return np.concatenate([each[..., 0] for _, each in models.all_outputs(data.features[:number])])


def _objectives(models: Candidates, data: _Scaled, loss: Loss) -> Array:
    """Return the mean loss of each model (models,)."""
    sums: Any = 0.0
    for rows, outputs in models.all_outputs(data.features):
        sums = sums + loss.value(outputs, data.labels[rows]).sum(axis=0)
    return np.asarray(sums / data.features.shape[0])


def _balance(labels: Array) -> float:
    """Return the weight by which records with the label 1 count as much as those with 0."""
    positive = float(np.count_nonzero(labels == 1))
    return (len(labels) - positive) / positive if positive else 1.0


def _record_weights(given: Mapping[str, Any], labels: Array, positive: Array) -> Array:
    """Return how much each record counts for each model."""
    if given["predictor_type"] == BINARY:
        return np.where(labels[:, None] == 1, positive[None], 1.0)
    if given["predictor_type"] == MULTICLASS and given["balance_multiclass_weights"]:
        counts = np.bincount(labels.astype(np.int64), minlength=given["num_classes"])
        return np.broadcast_to(
            (len(labels) / np.count_nonzero(counts) / counts[labels.astype(np.int64)])[:, None],
            (len(labels), len(positive)),
        )
    return np.ones((len(labels), len(positive)))
