"""Metrics of the linear learner, and how they are found in its log: as many as a request may define, 40.

Sources: SageMaker's guide, "Tune a linear learner model"; the regular expressions are those of a job with
linear-learner:1 (sdk.definitions), but for rmse and roc_auc_score, which came later.
Not compared with AWS: the regular expressions of rmse and roc_auc_score.
"""

from __future__ import annotations

from embedded_aws.algorithms.sdk.definitions import common, each_epoch, final

_SCORES = {
    "binary_classification_accuracy": "",
    "binary_f_beta": r"binary_f_\S+",
    "precision": "",
    "recall": "",
    "roc_auc_score": "",
    "multiclass_accuracy": "",
    "multiclass_top_k_accuracy": r"multiclass_top_k_accuracy_\S+",
    "dcg": "",
    "macro_recall": "",
    "macro_precision": "",
    "macro_f_beta": r"macro_f_\S+",
}
_OF_TRAIN = ("binary_classification_accuracy", "binary_f_beta", "precision", "recall")
_LOSSES = ("mse", "absolute_loss")
_OBJECTIVE = r"\S+_objective"
MAXIMIZED = tuple(f"{data}:{name}" for data in ("validation", "test") for name in _SCORES)
TUNABLE = (
    *MAXIMIZED,
    *(f"{data}:{name}" for data in ("validation", "test") for name in (*_LOSSES, "objective_loss")),
    "validation:rmse",
)
DEFINITIONS = (
    *common(),
    *(each_epoch(f"{data}:objective_loss", "loss", pattern=_OBJECTIVE) for data in ("train", "validation")),
    *(
        {**final(f"{data}:objective_loss", "loss", pattern=_OBJECTIVE), "Name": f"{data}:objective_loss:final"}
        for data in ("train", "validation")
    ),
    final("test:objective_loss", "loss", pattern=_OBJECTIVE),
    *(final(f"train:{name}", "score", pattern=_SCORES[name]) for name in _OF_TRAIN),
    *(final(name, "score", pattern=_SCORES[name.partition(":")[2]]) for name in MAXIMIZED),
    *(final(f"{data}:{name}", "loss") for data in ("train", "validation", "test") for name in _LOSSES),
    final("validation:rmse", "loss"),
)
