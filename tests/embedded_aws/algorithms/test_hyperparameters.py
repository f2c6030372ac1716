"""XGBoost's hyperparameters are held to AWS's types, ranges and rules, in the sentences of its container."""

from __future__ import annotations

import pytest

from embedded_aws.algorithms import channels
from embedded_aws.algorithms.channels import Channel
from embedded_aws.algorithms.errors import AlgorithmError, ToolkitError, UserError
from embedded_aws.algorithms.xgboost.hyperparameters import SCHEMA

# The hyperparameters with which AWS tests its container, and what they are then.
STANDARD = {
    "eval_metric": "error",
    "max_depth": "6",
    "booster": "gbtree",
    "objective": "binary:logistic",
    "updater": "grow_colmaker,prune",
    "reg_lambda": "1.0",
    "learning_rate": "0.3",
    "monotone_constraints": "(1, 0, -1)",
    "interaction_constraints": "[[1, 2], [3]]",
    "tree_method": "exact",
    "num_round": "10",
    "_tuning_objective_metric": "validation:auc",
}


def test_takes_what_awss_container_takes() -> None:
    """Texts become numbers, lists and tuples, and the library's other names for hyperparameters are understood."""
    assert SCHEMA.validate(STANDARD) == {
        "eval_metric": ["error"],
        "max_depth": 6,
        "booster": "gbtree",
        "objective": "binary:logistic",
        "updater": ["grow_colmaker", "prune"],
        "lambda": 1.0,
        "eta": 0.3,
        "monotone_constraints": (1, 0, -1),
        "interaction_constraints": [[1, 2], [3]],
        "tree_method": "exact",
        "num_round": 10,
        "_tuning_objective_metric": "validation:auc",
    }


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"bricks": "10"}, "Extraneous hyperparameter found: bricks"),
        ({"max_depth": "five"}, "Hyperparameter max_depth: could not parse value (caused by ValueError)"),
        ({"verbosity": "0.5"}, "Hyperparameter verbosity: could not parse value (caused by ValueError)"),
        ({"eta": "1.01"}, "Hyperparameter eta: 1.01 is not in [0, 1]"),
        ({"subsample": "0"}, "Hyperparameter subsample: 0.0 is not in (0, 1]"),
        ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
        ({"booster": "gbm"}, "Hyperparameter booster: gbm is not in ['gbtree', 'gblinear', 'dart']"),
        ({"eval_metric": "rmse,bricks"}, "Hyperparameter eval_metric: value ['rmse', 'bricks'] not in range ["),
        ({"eval_metric": "error@half"}, "Threshold value 't' in 'error@t' expects float input."),
        ({"eval_metric": "auc@0.5"}, "Metric 'auc@0.5' is not supported. Parameter 'eval_metric' with customized"),
        ({"eval_metric": "<function f>"}, "User defined evaluation metric <function f> is not supported yet."),
        ({"objective": "reg:squarederror", "eval_metric": "auc"}, "Metric 'auc' can only be applied for classif"),
        ({"objective": "multi:softmax"}, "Require input for parameter 'num_class' for multi-classification"),
        ({"booster": "gblinear"}, "Linear updater should be one of these options: 'shotgun', 'coord_descent'."),
        ({"process_type": "update"}, "process_type 'update' can only be used with updater 'refresh' and 'prune'"),
        ({"updater": "grow_colmaker,distcol"}, "Only one tree grow plugin can be selected."),
        ({"updater": "coord_descent"}, "Tree updater should be selected from these options: 'grow_colmaker'"),
        ({"monotone_constraints": "(2,)"}, "Hyperparameter monotone_constraints: value (2,) not in range [-1, 0, 1]"),
        ({"tree_method": "hist", "booster": "dart", "monotone_constraints": "(1,)"}, ""),
        ({"tree_method": "auto"}, "monotone_constraints can be used only when the tree_method parameter is set to"),
        ({"_tuning_objective_metric": "train:auc"}, "Hyperparameter _tuning_objective_metric: train:auc is not in ["),
    ],
)
def test_says_what_can_not_be(given: dict[str, str], sentence: str) -> None:
    """The first that can't be is named in the container's words; "" says that it can."""
    if not sentence:
        SCHEMA.validate({**STANDARD, **given})
        return
    with pytest.raises(UserError) as refused:
        SCHEMA.validate({**STANDARD, **given})
    assert str(refused.value).startswith(sentence)


def test_wants_the_number_of_rounds() -> None:
    """num_round has no default."""
    with pytest.raises(UserError, match=r"^Missing required hyperparameter: num_round$"):
        SCHEMA.validate({"objective": "reg:squarederror"})


def test_what_has_the_wrong_shape_is_the_algorithms_error() -> None:
    """A number in the place of a tuple is not understood, and the container does not say so of its user."""
    with pytest.raises(AlgorithmError, match="interaction_constraints: unexpected failure when validating 3"):
        SCHEMA.validate({**STANDARD, "interaction_constraints": "3"})


def test_tunes_what_awss_documentation_tunes() -> None:
    """The table "Tunable XGBoost Hyperparameters" of SageMaker's guide, with colsample_bynode and num_round."""
    assert SCHEMA.tunable == {
        *("alpha", "colsample_bylevel", "colsample_bynode", "colsample_bytree", "eta", "gamma", "lambda"),
        *("max_delta_step", "max_depth", "min_child_weight", "num_round", "subsample"),
    }


FILES = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Missing required channel: train"),
        ({"train": FILES, "test": FILES}, "Extraneous channel found: test"),
        (
            {"train": {**FILES, "ContentType": "image/png"}},
            (
                "Channel configuration for 'train' channel is not supported: {'TrainingInputMode': 'File', "
                "'S3DistributionType': 'FullyReplicated', 'ContentType': 'image/png'}"
            ),
        ),
        ({"train": {**FILES, "TrainingInputMode": "Pipe"}}, "Channel configuration for 'train' channel is not supp"),
    ],
)
def test_says_which_channel_can_not_be(given: dict[str, dict[str, str]], sentence: str) -> None:
    """Channels are held to their names, content types and modes."""
    known = (Channel(name="train", required=True, content_types=frozenset({"text/csv", "text/libsvm"})),)
    with pytest.raises(ToolkitError) as refused:
        channels.validate(known, given, default="text/libsvm")
    assert str(refused.value).startswith(sentence)
