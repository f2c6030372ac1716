"""Metrics of factorization machines, and how they are found in its log.

Sources: SageMaker's guide, "Tune a Factorization Machines Model"; public logs (`#test_score (algo-1) : ('rmse', …)`).
Not compared with AWS: the regular expressions, which are those that other algorithms of AWS's have for these names; the
names of what is written during training.
"""

from __future__ import annotations

from embedded_aws.algorithms.sdk.definitions import common, each_epoch, final

_ENTROPY = "binary_classification_cross_entropy"
MAXIMIZED = ("test:binary_classification_accuracy", "test:binary_f_beta")
TUNABLE = (*MAXIMIZED, f"test:{_ENTROPY}", "test:rmse")
DEFINITIONS = (
    *common(),
    final("test:binary_classification_accuracy", "score"),
    final("test:binary_f_beta", "score", pattern=r"binary_f_\S+"),
    final(f"test:{_ENTROPY}", "loss"),
    final("test:rmse", "loss"),
    each_epoch("train:binary_classification_accuracy:epoch", "score", pattern="binary_classification_accuracy"),
    each_epoch(
        "train:binary_classification_cross_entropy:epoch", "loss", pattern="binary_classification_cross_entropy"
    ),
    each_epoch("train:rmse:epoch", "loss", pattern="rmse"),
)
