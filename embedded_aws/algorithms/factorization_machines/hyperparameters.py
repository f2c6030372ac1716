"""Hyperparameters of factorization machines.

Sources: SageMaker's guide, "Factorization Machines Hyperparameters" and its tuning; the SageMaker SDK 2.257,
amazon/factorization_machines.py.
"""

from __future__ import annotations

from embedded_aws.algorithms.sdk.schema import Choice, Float, Integer, Rule

_GROUPS = ("bias", "linear", "factors")
_RATES = {"bias": ("0.1", "0.01"), "linear": ("0.001", "0.001"), "factors": ("0.0001", "0.00001")}
_SIGMAS = {"bias": "0.01", "linear": "0.01", "factors": "0.001"}
TUNABLE = (
    "epochs",
    "mini_batch_size",
    *(f"{group}_{what}" for group in _GROUPS for what in ("init_scale", "init_sigma", "init_value", "lr", "wd")),
)


def _group(group: str) -> tuple[Rule, ...]:
    """Return the rules of one of the three: the bias, the weights, the factors."""
    rate, decay = _RATES[group]
    return (
        Choice(f"{group}_init_method", "normal", values=("normal", "uniform", "constant")),
        Float(f"{group}_init_scale", minimum=0),
        Float(f"{group}_init_sigma", _SIGMAS[group], minimum=0),
        Float(f"{group}_init_value"),
        Float(f"{group}_lr", rate, minimum=0),
        Float(f"{group}_wd", decay, minimum=0),
    )


RULES: tuple[Rule, ...] = (
    Integer("feature_dim", required=True),
    Integer("num_factors", required=True),
    Choice("predictor_type", required=True, values=("binary_classifier", "regressor")),
    Float("clip_gradient"),
    Integer("epochs", "1"),
    Float("eps"),
    Integer("mini_batch_size", "1000"),
    Float("rescale_grad"),
    *(rule for group in _GROUPS for rule in _group(group)),
)
