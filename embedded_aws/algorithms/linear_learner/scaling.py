"""Shift and scale features and labels before training, and take it back out of the weights afterwards.

Source: SageMaker's guide, "How linear learner works" and its hyperparameters; mean and deviation come from the first
`num_point_for_scaler` records.
Not compared with AWS: that sparse features are scaled without being shifted, so that they stay sparse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis

from embedded_aws.algorithms.linear_learner.hyperparameters import REGRESSOR
from embedded_aws.algorithms.linear_learner.optimizers import or_default

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.algorithms.records import Matrix

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Scaling:
    """What features (d,) and labels are shifted by, and then divided by."""

    shift: Array
    scale: Array
    label_shift: float
    label_scale: float

    def features(self, features: Matrix) -> Matrix:
        """Return features as the models learn them."""
        if sparse.issparse(features):
            return sparse.csr_matrix(features.multiply(1 / self.scale))
        return np.asarray((features - self.shift) / self.scale, dtype=np.float32)

    def labels(self, labels: Array) -> Array:
        """Return labels as the models learn them."""
        return np.asarray((labels - self.label_shift) / self.label_scale)

    def unscaled(self, weights: Array, bias: Array) -> tuple[Array, Array]:
        """Return weights (d, classes) and bias (classes,) for features and labels as they are given."""
        original = weights * self.label_scale / self.scale[:, None]
        return original, bias * self.label_scale + self.label_shift - self.shift @ original


def of(hyperparameters: Mapping[str, Any], features: Matrix, labels: Array) -> Scaling:
    """Return the scaling that the hyperparameters ask for, measured on the training data."""
    given = hyperparameters
    number = given["num_point_for_scaler"]
    bias = given["use_bias"]
    normalize = or_default(given["normalize_data"], True)
    unbias = or_default(given["unbias_data"], bias)
    mean, deviation = _moments(features[:number])
    regressor = given["predictor_type"] == REGRESSOR
    normalize_label = regressor and or_default(given["normalize_label"], True)
    unbias_label = regressor and bias and or_default(given["unbias_label"], True)
    label_deviation = float(labels[:number].std()) or 1.0
    dense_and_shifted = (unbias or (normalize and bias)) and not sparse.issparse(features)
    return Scaling(
        shift=mean if dense_and_shifted else np.zeros_like(mean),
        scale=deviation if normalize else np.ones_like(deviation),
        label_shift=float(labels[:number].mean()) if unbias_label else 0.0,
        label_scale=label_deviation if normalize_label else 1.0,
    )


def _moments(features: Matrix) -> tuple[Array, Array]:
    """Return mean and standard deviation (d,); 1 for features that are constant."""
    if sparse.issparse(features):
        mean, variance = mean_variance_axis(features, axis=0)
    else:
        mean, variance = features.mean(axis=0, dtype=float), features.var(axis=0, dtype=float)
    deviation = np.sqrt(variance)
    return np.asarray(mean, dtype=float), np.where(deviation > 0, deviation, 1.0)
