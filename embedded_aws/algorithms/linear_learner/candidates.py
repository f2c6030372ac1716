"""The models that learn side by side: one by the hyperparameters that are given, the others by close ones.

Source: SageMaker's guide, "How linear learner works"; logs show 32 models. In a tuning job there is one.
Not compared with AWS: which values `auto` stands for, and that a value that is given is that of all models.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from embedded_aws.algorithms.linear_learner import optimizers
from embedded_aws.algorithms.linear_learner.optimizers import AUTO, or_default

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.algorithms.linear_learner.losses import Loss
    from embedded_aws.algorithms.linear_learner.optimizers import Schedule
    from embedded_aws.algorithms.records import Matrix

    Array = np.ndarray[Any, Any]

_MODELS = 32
_TRIED = {"learning_rate": (0.02, 0.005, 0.05, 0.1), "wd": (0.0, 1e-4, 1e-3, 1e-2), "l1": (0.0, 1e-4)}
_AT_ONCE = 4_000_000  # numbers, where outputs are only measured


@dataclass(frozen=True)
class Settings:
    """In what the models differ: an array (models,) each. A positive weight is that of records with the label 1."""

    learning_rate: Array
    wd: Array
    l1: Array
    positive_weight: Array

    def of(self, model: int) -> dict[str, float]:
        """Return those of one model."""
        return {
            "learning_rate": float(self.learning_rate[model]),
            "l1": float(self.l1[model]),
            "wd": float(self.wd[model]),
        }


def settings(hyperparameters: Mapping[str, Any], balanced: float, *, tuned: bool) -> Settings:
    """Return the models' settings; `balanced` is the positive weight that evens out the classes."""
    given = hyperparameters
    options = {name: tried if given[name] == AUTO else (given[name],) for name, tried in _TRIED.items()}
    weight = given["positive_example_weight_mult"]
    weights = {AUTO: (1.0, balanced), "balanced": (balanced,)}.get(weight, (weight,))
    number = 1 if tuned else or_default(given["num_models"], _MODELS)
    chosen = [*product(weights, options["l1"], options["wd"], options["learning_rate"])][:number]
    positive, l1, wd, rate = (np.array(values) for values in zip(*chosen, strict=True))
    return Settings(rate, wd, l1, positive)


@dataclass
class Candidates:
    """Weights (d, models, classes) and biases (models, classes)."""

    weights: Array
    bias: Array
    settings: Settings

    def outputs(self, features: Matrix) -> Array:
        """Return what the models say of records: (records, models, classes)."""
        dimension, models, classes = self.weights.shape
        outputs = np.asarray(features @ self.weights.reshape(dimension, models * classes))
        return outputs.reshape(-1, models, classes) + self.bias

    def all_outputs(self, features: Matrix) -> Iterator[tuple[slice, Array]]:
        """Yield the outputs of many records, some at a time, and which these are."""
        number = max(1, _AT_ONCE // self.bias.size)
        for start in range(0, features.shape[0], number):
            rows = slice(start, start + number)
            yield rows, self.outputs(features[rows])


def initial(
    hyperparameters: Mapping[str, Any], shape: tuple[int, int], of: Settings, random: np.random.Generator
) -> Candidates:
    """Return models that have learnt nothing, all the same, for (features, classes)."""
    given = hyperparameters
    dimension, classes = shape
    if given["init_method"] == "uniform":
        weights = random.uniform(-given["init_scale"], given["init_scale"], (dimension, 1, classes))
    else:
        weights = random.normal(0, given["init_sigma"], (dimension, 1, classes))
    models = len(of.learning_rate)
    bias = np.full((models, classes), given["init_bias"] if given["use_bias"] else 0.0)
    return Candidates(np.repeat(weights.astype(np.float32), models, axis=1), bias, of)


class Trainer:
    """Teaches the models, batch by batch."""

    def __init__(
        self, candidates: Candidates, hyperparameters: Mapping[str, Any], loss: Loss, schedule: Schedule
    ) -> None:
        """Begin with models that have learnt nothing."""
        given = hyperparameters
        self._candidates, self._loss, self._schedule = candidates, loss, schedule
        make = optimizers.of(given)
        self._weights, self._bias = make(), make()
        self._use_bias = given["use_bias"]
        self._bias_rate = or_default(given["bias_lr_mult"], 1.0)
        self._bias_decay = or_default(given["bias_wd_mult"], 0.0)
        self._steps = 0

    def learn(self, features: Matrix, labels: Array, record_weights: Array) -> None:
        """Learn from a batch; `record_weights` (records, models) say how much each record counts."""
        models, of = self._candidates, self._candidates.settings
        gradient = self._loss.gradient(models.outputs(features), labels) * record_weights[..., None] / len(labels)
        transposed = features.T.tocsr() if sparse.issparse(features) else features.T
        flat = gradient.reshape(len(labels), -1).astype(np.float32)
        by_weight = np.asarray(transposed @ flat).reshape(models.weights.shape)
        by_weight = by_weight + of.wd[None, :, None] * models.weights + of.l1[None, :, None] * np.sign(models.weights)
        rates = self._schedule.rates(of.learning_rate, self._steps)
        self._steps += 1
        models.weights -= rates[None, :, None] * self._weights.step(by_weight)
        if self._use_bias:
            by_bias = gradient.sum(axis=0) + self._bias_decay * of.wd[:, None] * models.bias
            models.bias -= self._bias_rate * rates[:, None] * self._bias.step(by_bias)
