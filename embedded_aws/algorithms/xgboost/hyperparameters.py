"""XGBoost's hyperparameters in algorithm mode: names, types, ranges and the rules between them, with AWS's sentences.

Source: algorithm_mode/hyperparameter_validation.py of aws/sagemaker-xgboost-container. Two of its faults are not
followed: it prints the names of linear updaters character by character, and with eval_metric but no objective it ends
with a KeyError; here the objective is then XGBoost's default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.algorithms.errors import UserError
from embedded_aws.algorithms.hyperparameters import (
    Categorical,
    CommaSeparated,
    Continuous,
    Integer,
    Interval,
    NestedList,
    Schema,
    Tuple,
)
from embedded_aws.algorithms.xgboost.metrics import NAMES, TUNABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

OBJECTIVES = [
    "aft_loss_distribution",
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "count:poisson",
    "multi:softmax",
    "multi:softprob",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
    "reg:linear",
    "reg:squarederror",
    "reg:logistic",
    "reg:gamma",
    "reg:pseudohubererror",
    "reg:squaredlogerror",
    "reg:absoluteerror",
    "reg:tweedie",
    "survival:aft",
    "survival:cox",
]
_DEFAULT_OBJECTIVE = "reg:squarederror"  # the library's
_TREE_UPDATERS = (
    "grow_colmaker",
    "distcol",
    "grow_histmaker",
    "grow_skmaker",
    "sync",
    "refresh",
    "prune",
    "grow_quantile_histmaker",
)
_GROWING = ("grow_colmaker", "distcol", "grow_histmaker", "grow_quantile_histmaker")
_LINEAR = ("shotgun", "coord_descent")
_THRESHOLDS = ("error", "ndcg", "map")


class _EvalMetrics:
    """The range of eval_metric: the names of metrics, and three of them with a threshold, `error@0.8`."""

    def __contains__(self, metric: object) -> bool:
        """Tell whether it is one. Raises UserError, with AWS's sentence, for what looks like one and is none."""
        text = str(metric)
        if "<function" in text:
            raise UserError(f"User defined evaluation metric {text} is not supported yet.")
        if "@" not in text:
            return text in NAMES
        name, threshold = (each.strip() for each in text.split("@")[:2])
        if name not in _THRESHOLDS:
            raise UserError(
                f"Metric '{text}' is not supported. Parameter 'eval_metric' with customized threshold should "
                "be one of these options: 'error', 'ndcg', 'map'."
            )
        try:
            float(threshold)
        except ValueError as error:
            raise UserError(f"Threshold value 't' in '{name}@t' expects float input.") from error
        return True

    def __str__(self) -> str:
        return str([*NAMES])


def _check_updater(value: list[str], values: Mapping[str, Any]) -> None:
    if values.get("booster") == "gblinear":
        if not (len(value) == 1 and value[0] in _LINEAR):
            raise UserError("Linear updater should be one of these options: 'shotgun', 'coord_descent'.")
    elif values.get("process_type") == "update":
        if not all(each in {"refresh", "prune"} for each in value):
            raise UserError("process_type 'update' can only be used with updater 'refresh' and 'prune'")
    elif not all(each in _TREE_UPDATERS for each in value):
        raise UserError(
            "Tree updater should be selected from these options: 'grow_colmaker', 'distcol', 'grow_histmaker', "
            "'grow_skmaker', 'grow_quantile_histmaker', 'sync', 'refresh', 'prune', "
            "'shortgun', 'coord_descent'."
        )
    elif sum(each in _GROWING for each in value) > 1:
        raise UserError(
            "Only one tree grow plugin can be selected. Choose one from the"
            "following: 'grow_colmaker', 'distcol', 'grow_histmaker', "
            "'grow_skmaker'"
        )


def _check_objective(value: str, values: Mapping[str, Any]) -> None:
    if value in {"multi:softmax", "multi:softprob"} and values.get("num_class") is None:
        raise UserError("Require input for parameter 'num_class' for multi-classification")


def _check_eval_metric(value: list[str], values: Mapping[str, Any]) -> None:
    objective = values.get("objective", _DEFAULT_OBJECTIVE)
    if "auc" in value and not objective.startswith(("binary:", "rank:")):
        raise UserError("Metric 'auc' can only be applied for classification and ranking problems.")
    if "aft-nloglik" in value and objective != "survival:aft":
        raise UserError("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")


def _check_monotone_constraints(_value: Any, values: Mapping[str, Any]) -> None:
    if values.get("tree_method") not in {"exact", "hist"}:
        raise UserError(
            "monotone_constraints can be used only when the tree_method parameter is set to either 'exact' or 'hist'."
        )


def _check_interaction_constraints(_value: Any, values: Mapping[str, Any]) -> None:
    if values.get("tree_method") not in {"exact", "hist", "approx"}:
        raise UserError(
            "interaction_constraints can be used only when the tree_method parameter is set to "
            "either 'exact', 'hist' or 'approx'."
        )


_NOT_NEGATIVE, _POSITIVE, _SHARE, _FLAG = Interval(low=0), Interval(low=1), Interval(0, 1), Interval(0, 1)
_ABOVE_0_TO_1 = Interval(0, 1, open_low=True)
SCHEMA = Schema(
    (
        Integer(name="num_round", required=True, allowed=_POSITIVE, tunable=True),
        Integer(name="csv_weights", allowed=_FLAG),
        Integer(name="early_stopping_rounds", allowed=_POSITIVE),
        Categorical(name="booster", allowed=["gbtree", "gblinear", "dart"]),
        Integer(name="verbosity", allowed=Interval(0, 3)),
        Integer(name="nthread", allowed=_POSITIVE),
        Continuous(name="eta", allowed=_SHARE, tunable=True),
        Continuous(name="gamma", allowed=_NOT_NEGATIVE, tunable=True),
        Integer(name="max_depth", allowed=_NOT_NEGATIVE, tunable=True),
        Continuous(name="min_child_weight", allowed=_NOT_NEGATIVE, tunable=True),
        Continuous(name="max_delta_step", allowed=_NOT_NEGATIVE, tunable=True),
        Continuous(name="subsample", allowed=_ABOVE_0_TO_1, tunable=True),
        Continuous(name="colsample_bytree", allowed=_ABOVE_0_TO_1, tunable=True),
        Continuous(name="colsample_bylevel", allowed=_ABOVE_0_TO_1, tunable=True),
        Continuous(name="colsample_bynode", allowed=_ABOVE_0_TO_1, tunable=True),
        Continuous(name="lambda", allowed=_NOT_NEGATIVE, tunable=True),
        Continuous(name="alpha", allowed=_NOT_NEGATIVE, tunable=True),
        Categorical(name="tree_method", allowed=["auto", "exact", "approx", "hist", "gpu_hist"]),
        Continuous(name="sketch_eps", allowed=Interval(0, 1, open_low=True, open_high=True)),
        Continuous(name="scale_pos_weight", allowed=Interval(low=0, open_low=True)),
        CommaSeparated(
            name="updater",
            allowed=[
                "grow_colmaker",
                "distcol",
                "grow_histmaker",
                "grow_skmaker",
                "sync",
                "refresh",
                "prune",
                *_LINEAR,
            ],
            rule=_check_updater,
        ),
        Categorical(name="dsplit", allowed=["row", "col"]),
        Integer(name="refresh_leaf", allowed=_FLAG),
        Categorical(name="process_type", allowed=["default", "update"]),
        Categorical(name="grow_policy", allowed=["depthwise", "lossguide"]),
        Integer(name="max_leaves", allowed=_NOT_NEGATIVE),
        Integer(name="max_bin", allowed=_NOT_NEGATIVE),
        Categorical(name="predictor", allowed=["auto", "cpu_predictor", "gpu_predictor"]),
        Tuple(name="monotone_constraints", allowed=[-1, 0, 1], rule=_check_monotone_constraints),
        NestedList(name="interaction_constraints", allowed=_POSITIVE, rule=_check_interaction_constraints),
        Categorical(name="sample_type", allowed=["uniform", "weighted"]),
        Categorical(name="normalize_type", allowed=["tree", "forest"]),
        Continuous(name="rate_drop", allowed=_SHARE),
        Integer(name="one_drop", allowed=_FLAG),
        Continuous(name="skip_drop", allowed=_SHARE),
        Continuous(name="lambda_bias", allowed=_SHARE),
        Continuous(name="tweedie_variance_power", allowed=Interval(1, 2, open_low=True, open_high=True)),
        Categorical(name="objective", allowed=OBJECTIVES, rule=_check_objective),
        Integer(name="num_class", allowed=Interval(low=2)),
        Continuous(name="base_score", allowed=_NOT_NEGATIVE),
        Integer(name="_kfold", allowed=Interval(low=2)),
        Integer(name="_num_cv_round", allowed=_POSITIVE),
        Categorical(name="_tuning_objective_metric", allowed=[*TUNABLE]),
        CommaSeparated(name="eval_metric", allowed=_EvalMetrics(), rule=_check_eval_metric),
        Integer(name="seed", allowed=Interval(-(2**31), 2**31 - 1, open_low=True, open_high=True)),
        Integer(name="num_parallel_tree", allowed=_POSITIVE),
        Categorical(name="save_model_on_termination", allowed=["true", "false"]),
        Categorical(name="aft_loss_distribution", allowed=["normal", "logistic", "extreme"]),
        Continuous(name="aft_loss_distribution_scale", allowed=_NOT_NEGATIVE),
        Categorical(name="deterministic_histogram", allowed=["true", "false"]),
        Categorical(name="sampling_method", allowed=["uniform", "gradient_based"]),
        Integer(name="prob_buffer_row", allowed=Interval(low=1.0, open_low=True)),
        Categorical(name="use_dask_gpu_training", allowed=["true", "false"]),
    ),
    aliases={
        "learning_rate": "eta",
        "min_split_loss": "gamma",
        "reg_lambda": "lambda",
        "reg_alpha": "alpha",
    },
)
