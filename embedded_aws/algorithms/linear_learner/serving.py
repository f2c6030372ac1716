"""An endpoint of the linear learner: of each record a score and, of a classifier, the label.

Formats and what a score is: SageMaker's guide, "Linear learner response formats" and "Input/Output interface".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from embedded_aws.algorithms import modules
from embedded_aws.algorithms.linear_learner.hyperparameters import BINARY, REGRESSOR
from embedded_aws.algorithms.linear_learner.training import ADDITIONAL, MODEL, PARAMS
from embedded_aws.algorithms.sdk.serving import HostedModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from embedded_aws.algorithms.records import Matrix
    from embedded_aws.algorithms.sdk.answers import Answer


def load(folder: Path) -> HostedModel:
    """Return the model in a folder."""
    additional, arrays = modules.read(folder / MODEL, ADDITIONAL, params=PARAMS)
    weights, bias = arrays["fc0_weight"].T, arrays["fc0_bias"]

    def predict(features: Matrix, _: Mapping[str, str]) -> Iterator[Answer]:
        for outputs in np.asarray(features @ weights) + bias:
            yield _answer(outputs, additional)

    return HostedModel(len(weights), predict)


def _answer(outputs: np.ndarray[Any, Any], additional: Mapping[str, Any]) -> Answer:
    if additional["predictor_type"] == REGRESSOR:
        return {"score": float(outputs[0])}
    if additional["predictor_type"] == BINARY:
        output = float(outputs[0])
        score = float(special.expit(output)) if additional["loss"] == "logistic" else output
        return {"score": score, "predicted_label": int(output >= additional["threshold"])}
    scores = special.softmax(outputs)
    return {"score": [float(each) for each in scores], "predicted_label": int(scores.argmax())}
