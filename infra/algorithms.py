"""AWS's built-in algorithms that a lab can train and serve in the place of its Keras network, and what each is told.

It imports nothing of the CDK, so that command line tools can use it too.

Sources: SageMaker's guide, on each algorithm "Input/Output Interface", "Hyperparameters", "Tune a … Model" (the
metrics) and its response formats; the repositories and tags are those of `sagemaker.core.image_uris` 3.27. That
XGBoost's own `merror` is asked for and not the container's `accuracy`: the latter takes probabilities for margins since
3.0-5 (metrics/custom_metrics.py of aws/sagemaker-xgboost-container).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.algorithm_registries import REGISTRIES
from infra.containers import INFERENCE, TRAINING

if TYPE_CHECKING:
    from collections.abc import Mapping

KERAS = "keras"
CLASSES = 10
PIXELS = 48 * 48
_CSV = "text/csv"
_NEIGHBOURS = "5"
_SAMPLE = "100000"  # more than a class will ever photograph: k-NN then keeps every training image

Outputs = tuple[str, ...]
TEST_ACCURACY, TEST_LOSS, TEST_DISTANCE = "TestAccuracy", "TestLoss", "TestMeanSquaredDistance"


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """One algorithm.

    `image` is repository and tag; `evaluation` is the channel with the test images; `answers` are the members of its
    answer for an image; `outputs` what its job reports of the test images.
    `hyperparameters` is what does not depend on the lab's settings, `of_settings` its names of those that do.
    """

    image: tuple[str, str]
    evaluation: str
    answers: tuple[str, ...]
    outputs: Outputs
    hyperparameters: Mapping[str, str]
    of_settings: Mapping[str, str] = field(default_factory=dict)
    labeled: bool = True

    @property
    def content_type(self) -> str:
        """Return that of its channels: the label comes first, unless there is none."""
        return _CSV if self.labeled else f"{_CSV};label_size=0"


_WIDTH = {"feature_dim": "feature_count"}
BUILT_IN: Mapping[str, Algorithm] = {
    # Trees that look at a tenth of the pixels each leave 1.5 % of the test images wrong, and 2.6 % if they look at all;
    # with 32 shades in the place of 256 the first rounds take a quarter of the time.
    "xgboost": Algorithm(
        image=("sagemaker-xgboost", "3.0-5"),
        evaluation="validation",
        answers=("score",),
        outputs=(TEST_ACCURACY, TEST_LOSS),
        hyperparameters={
            "objective": "multi:softprob",
            "num_class": str(CLASSES),
            "num_round": "50",
            "eval_metric": "mlogloss,merror",
            "tree_method": "hist",
            "max_bin": "32",
            "max_depth": "6",
            "eta": "0.3",
            "subsample": "0.8",
            "colsample_bytree": "0.1",
        },
        of_settings={"seed": "seed"},
    ),
    "linear-learner": Algorithm(
        image=("linear-learner", "1"),
        # `validation` is what it chooses the best of its models by; the test images are to be new to it.
        evaluation="test",
        answers=("score", "predicted_label"),
        outputs=(TEST_ACCURACY, TEST_LOSS),
        hyperparameters={"predictor_type": "multiclass_classifier", "num_classes": str(CLASSES)},
        of_settings={**_WIDTH, "epochs": "epochs", "mini_batch_size": "batch_size"},
    ),
    "kmeans": Algorithm(
        image=("kmeans", "1"),
        evaluation="test",
        answers=("closest_cluster", "distance_to_cluster"),
        outputs=(TEST_DISTANCE,),
        hyperparameters={"k": str(CLASSES), "init_method": "kmeans++"},
        of_settings={**_WIDTH, "epochs": "epochs"},
        labeled=False,
    ),
    "knn": Algorithm(
        image=("knn", "1"),
        evaluation="test",
        answers=("predicted_label",),
        outputs=(TEST_ACCURACY,),
        hyperparameters={"predictor_type": "classifier", "k": _NEIGHBOURS, "sample_size": _SAMPLE},
        of_settings=_WIDTH,
    ),
}

UNFIT = {
    "factorization-machines": "it tells two classes apart or predicts a number, and the bricks are of ten kinds",
    "pca": "it makes few features out of many, and names no class",
}
"""Algorithms of AWS's that can't sort bricks, and why."""


def images_of(name: str) -> list[tuple[str, str]]:
    """Return repository and tag of every container that a lab with this algorithm runs."""
    return [TRAINING, INFERENCE, *([BUILT_IN[name].image] if name in BUILT_IN else [])]


def refusal(region: str, name: str) -> str | None:
    """Say in a sentence that an accepted region has no container of an algorithm, and what to do; None if it has."""
    if name not in BUILT_IN or region in REGISTRIES:
        return None
    return (
        f"The lab can't be deployed to {region} with lab.algorithm = {name!r}: AWS has no container of it there. Set "
        "lab.algorithm to 'keras', or take another region (`export AWS_REGION=us-east-1`, say)."
    )
