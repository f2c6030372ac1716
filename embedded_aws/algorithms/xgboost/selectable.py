"""Answers that a model's Environment has chosen by SAGEMAKER_INFERENCE_OUTPUT: labels, probabilities, scores.

Source: algorithm_mode/serve_utils.py of aws/sagemaker-xgboost-container. What does not go with the model's objective is
nan in the answer, and so is a name that is none.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from embedded_aws.algorithms import content_types, records

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

_SCORES = ("predicted_label", "labels", "raw_score", "raw_scores")
_PROBABILITIES = ("predicted_label", "labels", "probability", "probabilities", "raw_score", "raw_scores")
_KEYS = {
    **dict.fromkeys(
        ("reg:squarederror", "reg:logistic", "reg:gamma", "reg:absoluteerror", "reg:tweedie"), ("predicted_score",)
    ),
    **dict.fromkeys(("binary:logistic", "multi:softprob"), _PROBABILITIES),
    **dict.fromkeys(("binary:logitraw", "binary:hinge", "multi:softmax"), _SCORES),
}


def chosen(variable: str) -> list[str]:
    """Return the names in SAGEMAKER_INFERENCE_OUTPUT, `predicted_label, probabilities`."""
    return variable.replace(" ", "").lower().split(",")


def select(predictions: Any, keys: Sequence[str], objective: str, classes: int) -> list[dict[str, Any]]:
    """Return of each prediction what was chosen. Raises ValueError for an objective without such answers."""
    if objective not in _KEYS:
        raise ValueError(f"Objective `{objective}` unsupported for selectable inference predictions.")
    valid = [key for key in _KEYS[objective] if key in keys]
    if invalid := sorted({*keys} - {*valid}):
        log.warning(
            "Selected key(s) %s incompatible for objective '%s'. Please use list of compatible selectable inference "
            "predictions: %s",
            invalid,
            objective,
            [*_KEYS[objective]],
        )
    return [
        {**{key: _value(key, one, objective, classes) for key in valid}, **dict.fromkeys(invalid, np.nan)}
        for one in predictions
    ]


def encode(selected: list[dict[str, Any]], keys: Sequence[str], accept: str, *, batch: bool) -> bytes:
    """Return the answer in a format that is accepted; a transform job's CSV ends with a line's end."""
    if accept == content_types.JSON:
        return json.dumps({"predictions": selected}).encode()
    if accept == content_types.JSON_LINES:
        return "".join(f"{json.dumps(one)}\n" for one in selected).encode()
    if accept == content_types.RECORDIO_PROTOBUF:
        return records.write(
            {key: value if isinstance(value, list) else [value] for key, value in one.items()} for one in selected
        )
    if accept == content_types.CSV:
        lines = "\n".join(",".join(_cell(one[key]) for key in keys) for one in selected)
        return f"{lines}\n".encode() if batch else lines.encode()
    raise RuntimeError(f"Cannot encode selected predictions into accept type '{accept}'.")


def _cell(value: Any) -> str:
    return f'"{value}"' if isinstance(value, list) else str(value)


def _value(key: str, prediction: Any, objective: str, classes: int) -> Any:
    several = objective == "multi:softprob"
    match key:
        case "predicted_label":
            return _label(prediction, objective)
        case "labels":
            return [*range(classes if objective.startswith("multi:") else 2)]
        case "probability" | "raw_score":
            return prediction.max().item() if several else prediction.item()
        case "probabilities" | "raw_scores":
            return prediction.tolist() if several else [1.0 - prediction.item(), prediction.item()]
    return prediction.item()


def _label(prediction: Any, objective: str) -> Any:
    match objective:
        case "binary:logistic":
            return int(prediction > 0.5)  # noqa: PLR2004 - of a probability
        case "binary:logitraw":
            return int(prediction > 0)
        case "multi:softprob":
            return prediction.argmax().item()
    return prediction.item()
