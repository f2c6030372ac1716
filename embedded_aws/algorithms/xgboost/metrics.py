"""The metrics of XGBoost's container: their names, which are to grow, and how SageMaker finds them in its log.

Names: constants/xgb_constants.py of aws/sagemaker-xgboost-container. Regular expressions: the MetricDefinitions that
DescribeTrainingJob answers for a job of `sagemaker-xgboost:1.5-1` without any of its own, as a user published it in May
2025, and that AutoML's definitions of jobs name; with them a tab is `#011`, as SageMaker writes it into the log.
"""

from __future__ import annotations

MAXIMIZED = (
    "accuracy",
    "auc",
    "aucpr",
    "balanced_accuracy",
    "f1",
    "f1_binary",
    "f1_macro",
    "map",
    "ndcg",
    "precision",
    "r2",
    "recall",
    "precision_macro",
    "precision_micro",
    "recall_macro",
    "recall_micro",
)
MINIMIZED = (
    "aft-nloglik",
    "cox-nloglik",
    "error",
    "gamma-deviance",
    "gamma-nloglik",
    "interval-regression-accuracy",
    "logloss",
    "mae",
    "mape",
    "merror",
    "mlogloss",
    "mphe",
    "mse",
    "poisson-nloglik",
    "rmse",
    "rmsle",
    "tweedie-nloglik",
)
NAMES = MAXIMIZED + MINIMIZED
TUNABLE = tuple(f"validation:{name}" for name in NAMES)
_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


def definition(name: str) -> dict[str, str]:
    """Return the MetricDefinition of a metric: of `validation:rmse`, how it stands in the log."""
    return {"Name": name, "Regex": rf".*\[[0-9]+\].*#011{name.replace(':', '-', 1)}:{_NUMBER}.*"}


DEFINITIONS = tuple(definition(f"{data}:{name}") for data in ("train", "validation") for name in NAMES)
