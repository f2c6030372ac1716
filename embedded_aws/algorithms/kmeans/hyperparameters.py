"""Hyperparameters of k-means.

Sources: SageMaker's guide, "K-Means Hyperparameters"; the SageMaker SDK 2.257, amazon/kmeans.py. `force_dense` stands
in the configuration that logs show (May 2021) and changes nothing here: sparse records are read as they are.
"""

from __future__ import annotations

from embedded_aws.algorithms.sdk.schema import Choice, Float, Integer, JsonList, Rule

_INITIAL = ("random", "kmeans++")
TUNABLE = ("epochs", "extra_center_factor", "init_method", "mini_batch_size")
RULES: tuple[Rule, ...] = (
    Integer("feature_dim", required=True),
    Integer("k", required=True),
    Integer("epochs", "1"),
    JsonList("eval_metrics", '["msd"]', values=("msd", "ssd")),
    Integer("extra_center_factor", "auto", auto=True),
    Integer("half_life_time_size", "0", minimum=0),
    Choice("init_method", "random", values=_INITIAL),
    Choice("local_lloyd_init_method", "kmeans++", values=_INITIAL),
    Integer("local_lloyd_max_iter", "300"),
    Integer("local_lloyd_num_trials", "auto", auto=True),
    Float("local_lloyd_tol", "0.0001", minimum=0, maximum=1),
    Integer("mini_batch_size", "5000"),
    Choice("force_dense", "true", values=("true", "false", "True", "False")),
)
