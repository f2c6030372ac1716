"""What the endpoint answers for an image, in the lab's words, whichever model answers.

The network's own answers have them. Of an algorithm of AWS's, "class", "label", "probability" and "probabilities" are
added to what it answers: XGBoost and the linear learner give a score for each class, k-NN a class; of k-means it is a
"cluster" and its "distance". Sources: SageMaker's guide, the response formats of each algorithm.
"""

from __future__ import annotations

import json
from typing import Any

from model_code.data import LABELS

Prediction = dict[str, Any]


def read(answer: bytes) -> list[Prediction]:
    """Return one prediction an image."""
    return [_named(each) for each in json.loads(answer)["predictions"]]


def _named(prediction: Prediction) -> Prediction:
    if "label" in prediction:
        return prediction
    if "closest_cluster" in prediction:
        return {
            **prediction,
            "cluster": int(prediction["closest_cluster"]),
            "distance": prediction["distance_to_cluster"],
        }
    if "score" not in prediction:
        best = int(prediction["predicted_label"])
        return {**prediction, "class": best, "label": LABELS[best]}
    scores = prediction["score"]
    best = max(range(len(LABELS)), key=scores.__getitem__)
    return {
        **prediction,
        "class": best,
        "label": LABELS[best],
        "probability": scores[best],
        "probabilities": dict(zip(LABELS, scores, strict=True)),
    }
