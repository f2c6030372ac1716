"""Hyperparameters of PCA.

Sources: SageMaker's guide, "PCA Hyperparameters"; the SageMaker SDK 2.257, amazon/pca.py.
"""

from __future__ import annotations

from embedded_aws.algorithms.sdk.schema import Boolean, Choice, Integer, Rule

TUNABLE: tuple[str, ...] = ()
RULES: tuple[Rule, ...] = (
    Integer("feature_dim", required=True),
    Integer("mini_batch_size", required=True),
    Integer("num_components", required=True),
    Choice("algorithm_mode", "regular", values=("regular", "randomized")),
    Integer("extra_components", "-1", minimum=-1),
    Boolean("subtract_mean", "true"),
)
