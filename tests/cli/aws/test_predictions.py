"""What each model answers for an image, in the words that `predict` has for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.aws import predictions
from model_code.data import LABELS

SCORES = [0.02, 0.01, 0.03, 0.7, 0.04, 0.05, 0.05, 0.04, 0.03, 0.03]
NETWORK = {"class": 3, "label": LABELS[3], "probability": 0.7, "probabilities": dict(zip(LABELS, SCORES, strict=True))}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(NETWORK, NETWORK, id="keras"),
        pytest.param({"score": SCORES}, {"score": SCORES, **NETWORK}, id="xgboost"),
        pytest.param(
            {"score": SCORES, "predicted_label": 3},
            {"score": SCORES, "predicted_label": 3, **NETWORK},
            id="linear-learner",
        ),
        pytest.param({"predicted_label": 3.0}, {"predicted_label": 3.0, "class": 3, "label": LABELS[3]}, id="knn"),
        pytest.param(
            {"closest_cluster": 7.0, "distance_to_cluster": 3.5},
            {"closest_cluster": 7.0, "distance_to_cluster": 3.5, "cluster": 7, "distance": 3.5},
            id="kmeans",
        ),
    ],
)
def test_every_model_s_answer_is_read(answer: dict[str, Any], expected: dict[str, Any]) -> None:
    """A brick with or without its probability, or a cluster; what the algorithm has answered stays there."""
    assert predictions.read(json.dumps({"predictions": [answer, answer]}).encode()) == [expected, expected]
