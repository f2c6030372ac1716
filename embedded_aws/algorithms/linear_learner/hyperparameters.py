"""Hyperparameters of the linear learner.

Sources: SageMaker's guide, "Linear learner hyperparameters" and its tuning; the SageMaker SDK 2.257,
amazon/linear_learner.py, which knows `f1` and `cross_entropy_loss` for what the guide calls f_beta and loss_function,
and the sentence about num_classes.
Not compared with AWS: the sentence about a loss that another predictor_type has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.algorithms.sdk.errors import CustomerError
from embedded_aws.algorithms.sdk.schema import Boolean, Choice, Float, Integer, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

BINARY, MULTICLASS, REGRESSOR = "binary_classifier", "multiclass_classifier", "regressor"
TUNABLE = ("wd", "l1", "learning_rate", "mini_batch_size", "use_bias", "positive_example_weight_mult")
LOSSES = {
    BINARY: ("logistic", "hinge_loss"),
    MULTICLASS: ("softmax_loss",),
    REGRESSOR: (
        "squared_loss",
        "absolute_loss",
        "eps_insensitive_squared_loss",
        "eps_insensitive_absolute_loss",
        "quantile_loss",
        "huber_loss",
    ),
}
_CRITERIA = (
    "accuracy",
    "f_beta",
    "f1",
    "precision_at_target_recall",
    "recall_at_target_precision",
    "loss_function",
    "cross_entropy_loss",
)
_MOST_CLASSES = 1_000_000


class _PositiveWeight(Float):
    """A weight, or `balanced`."""

    def parse(self, text: str) -> Any:
        return text if text == "balanced" else super().parse(text)


def _fraction(name: str, default: str | None = None, *, auto: bool = False, zero: bool = False) -> Float:
    """Return the rule of a number between 0 and 1, without these themselves unless `zero`."""
    return Float(name, default, auto=auto, minimum=0, maximum=1, above=not zero, below=True)


def _positive(name: str, default: str, *, auto: bool = False) -> Float:
    return Float(name, default, auto=auto, minimum=0, above=True)


RULES: tuple[Rule, ...] = (
    Choice("predictor_type", required=True, values=(BINARY, MULTICLASS, REGRESSOR)),
    Integer("num_classes", maximum=_MOST_CLASSES),
    Integer("accuracy_top_k", "3", maximum=_MOST_CLASSES),
    Boolean("balance_multiclass_weights", "false"),
    _fraction("beta_1", "auto", auto=True, zero=True),
    _fraction("beta_2", "auto", auto=True, zero=True),
    _positive("bias_lr_mult", "auto", auto=True),
    Float("bias_wd_mult", "auto", auto=True, minimum=0),
    Choice("binary_classifier_model_selection_criteria", "accuracy", values=_CRITERIA),
    Integer("early_stopping_patience", "3"),
    _positive("early_stopping_tolerance", "0.001"),
    Integer("epochs", "15"),
    _positive("f_beta", "1.0"),
    Integer("feature_dim", "auto", auto=True),
    Float("huber_delta", "1.0", minimum=0),
    Float("init_bias", "0"),
    Choice("init_method", "uniform", values=("uniform", "normal")),
    _positive("init_scale", "0.07"),
    _positive("init_sigma", "0.01"),
    Float("l1", "auto", auto=True, minimum=0),
    _positive("learning_rate", "auto", auto=True),
    Choice("loss", "auto", auto=True, values=tuple(name for names in LOSSES.values() for name in names)),
    _positive("loss_insensitivity", "0.01"),
    _fraction("lr_scheduler_factor", "auto", auto=True),
    _positive("lr_scheduler_minimum_lr", "auto", auto=True),
    Integer("lr_scheduler_step", "auto", auto=True),
    Float("margin", "1.0", minimum=0),
    Integer("mini_batch_size", "1000"),
    _fraction("momentum", "auto", auto=True, zero=True),
    Boolean("normalize_data", "true", auto=True),
    Boolean("normalize_label", "auto", auto=True),
    Integer("num_calibration_samples", "auto", auto=True),
    Integer("num_models", "auto", auto=True),
    Integer("num_point_for_scaler", "10000"),
    Choice("optimizer", "auto", auto=True, values=("sgd", "adam", "rmsprop")),
    _PositiveWeight("positive_example_weight_mult", "1.0", auto=True, minimum=0, above=True),
    _fraction("quantile", "0.5"),
    _fraction("target_precision", "0.8"),
    _fraction("target_recall", "0.8"),
    Boolean("unbias_data", "auto", auto=True),
    Boolean("unbias_label", "auto", auto=True),
    Boolean("use_bias", "true"),
    Boolean("use_lr_scheduler", "true"),
    Float("wd", "auto", auto=True, minimum=0),
)


def check(values: Mapping[str, Any]) -> None:
    """Hold hyperparameters to the rules between them. Raises CustomerError."""
    predictor, loss = values["predictor_type"], values["loss"]
    if predictor == MULTICLASS and values.get("num_classes", 0) <= 2:  # noqa: PLR2004 - two classes are binary
        raise CustomerError(
            "For predictor_type 'multiclass_classifier', 'num_classes' should be set to a value greater than 2."
        )
    if loss != "auto" and loss not in LOSSES[predictor]:
        listed = ", ".join(f"'{name}'" for name in ("auto", *LOSSES[predictor]))
        raise CustomerError(
            f"The value '{loss}' is not valid for the 'loss' hyperparameter, which accepts for predictor_type "
            f"'{predictor}' one of the following: {listed}"
        )
