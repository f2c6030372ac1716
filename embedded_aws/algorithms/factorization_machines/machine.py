"""A factorization machine: what it predicts, and how it learns.

y = w0 + sum of w_i x_i + sum over i < j of <v_i, v_j> x_i x_j (SageMaker's guide, "How Factorization Machines Work").
It is learnt by squared error or, through the logistic function, by cross entropy. Parameters follow the mean gradient
of mini-batches by Adam, each of the three groups with a learning rate and a weight decay of its own; of weights and
factors only those move whose features the batch has.
Not compared with AWS: that it is Adam, which `eps` speaks for and the guide does not name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse, special

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.algorithms.records import Matrix

    Array = np.ndarray[Any, Any]

_BETA_1, _BETA_2, _EPS = 0.9, 0.999, 1e-8  # Adam's own


@dataclass
class Machine:
    """Bias (1, 1), weights (d, 1) and factors (d, k)."""

    bias: Array
    weights: Array
    factors: Array

    def output(self, features: Matrix) -> Array:
        """Return what is predicted of records (n,), before the logistic function."""
        mixed = features @ self.factors
        squares = _squared(features) @ np.square(self.factors)
        pairs = 0.5 * np.sum(np.square(mixed) - squares, axis=1)
        return np.asarray(self.bias.item() + (features @ self.weights)[:, 0] + pairs)


def initial(hyperparameters: Mapping[str, Any], random: np.random.Generator) -> Machine:
    """Return a machine that has learnt nothing."""
    features, factors = hyperparameters["feature_dim"], hyperparameters["num_factors"]
    shapes = {"bias": (1, 1), "linear": (features, 1), "factors": (features, factors)}
    return Machine(*(_drawn(hyperparameters, group, shape, random) for group, shape in shapes.items()))


def _drawn(given: Mapping[str, Any], group: str, shape: tuple[int, int], random: np.random.Generator) -> Array:
    method = given[f"{group}_init_method"]
    if method == "normal":
        return random.normal(0, given[f"{group}_init_sigma"], shape)
    if method == "uniform":
        scale = given.get(f"{group}_init_scale", 0.0)
        return random.uniform(-scale, scale, shape)
    return np.full(shape, given.get(f"{group}_init_value", 0.0))


@dataclass
class Learner:
    """Teaches a machine, batch by batch."""

    machine: Machine
    hyperparameters: Mapping[str, Any]
    _adam: dict[str, _Adam] = field(init=False)

    def __post_init__(self) -> None:
        machine, given = self.machine, self.hyperparameters
        groups = {"bias": machine.bias, "linear": machine.weights, "factors": machine.factors}
        self._adam = {
            name: _Adam(values, given[f"{name}_lr"], given[f"{name}_wd"], given.get("eps", _EPS))
            for name, values in groups.items()
        }

    def learn(self, features: Matrix, labels: Array) -> Array:
        """Learn from a batch (n, d) with its labels (n,); return what was predicted before."""
        batch = sparse.csr_matrix(features)
        used, places = np.unique(batch.indices, return_inverse=True)
        batch = sparse.csr_matrix((batch.data, places, batch.indptr), shape=(batch.shape[0], len(used)))
        whole = self.machine
        machine = Machine(whole.bias, whole.weights[used], whole.factors[used])
        output = machine.output(batch)
        predicted = special.expit(output) if self.classifies else output
        errors = (predicted - labels)[:, None] * (1 if self.classifies else 2)
        mixed = batch @ machine.factors
        gradients = {
            "bias": errors.sum(keepdims=True),
            "linear": batch.T @ errors,
            "factors": batch.T @ (errors * mixed) - machine.factors * (_squared(batch).T @ errors),
        }
        scale = self.hyperparameters.get("rescale_grad", 1 / len(labels))
        clip = self.hyperparameters.get("clip_gradient")
        for name, gradient in gradients.items():
            scaled = np.asarray(gradient) * scale
            self._adam[name].step(
                scaled if clip is None else np.clip(scaled, -abs(clip), abs(clip)),
                rows=np.zeros(1, np.int64) if name == "bias" else used,
            )
        return np.asarray(predicted)

    @property
    def classifies(self) -> bool:
        """Return whether labels are 0 and 1."""
        return bool(self.hyperparameters["predictor_type"] == "binary_classifier")


class _Adam:
    """Adam over some rows of an array, which it changes in place; each row counts its own steps."""

    def __init__(self, values: Array, rate: float, decay: float, eps: float) -> None:
        self._values, self._rate, self._decay, self._eps = values, rate, decay, eps
        self._first, self._second = np.zeros_like(values), np.zeros_like(values)
        self._steps = np.zeros((len(values), 1))

    def step(self, gradient: Array, rows: Array) -> None:
        gradient = gradient + self._decay * self._values[rows]
        self._steps[rows] += 1
        self._first[rows] = _BETA_1 * self._first[rows] + (1 - _BETA_1) * gradient
        self._second[rows] = _BETA_2 * self._second[rows] + (1 - _BETA_2) * np.square(gradient)
        first = self._first[rows] / (1 - _BETA_1 ** self._steps[rows])
        second = self._second[rows] / (1 - _BETA_2 ** self._steps[rows])
        self._values[rows] -= self._rate * first / (np.sqrt(second) + self._eps)


def _squared(features: Matrix) -> Matrix:
    return features.power(2) if sparse.issparse(features) else np.square(features)
