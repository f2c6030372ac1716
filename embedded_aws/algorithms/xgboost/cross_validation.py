"""Cross-validation within a job, `_kfold` and `_num_cv_round`: a model of each fold, and a prediction for each row.

Source: algorithm_mode/train.py and prediction_utils.py of aws/sagemaker-xgboost-container. Each fold's lines in the log
are, as there, about all rows of the channels, and so are the means that SageMaker finds last; predictions.csv in
output.tar.gz is of rows that a model has not seen: label, mean of the probabilities, and the class that most folds
gave; or label and mean of the predictions.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import xgboost as xgb

    Fit = Callable[["xgb.DMatrix", int, dict[str, Any]], "xgb.Booster"]

log = logging.getLogger(__name__)

_PREDICTIONS = "predictions.csv"


def run(
    data: xgb.DMatrix, config: Mapping[str, Any], fit: Fit, *, folds: int, repeats: int, output: Path
) -> list[xgb.Booster]:
    """Return the models of all folds. `fit` is called with a fold's rows, its number, and a dictionary for its metrics.

    `output` is where predictions.csv goes.
    """
    log.info("Run %d-round of %d-fold cross validation with %d rows", repeats, folds, data.num_row())
    classifies = bool(config.get("num_class")) or str(config.get("objective", "")).startswith("binary:")
    labels = data.get_label()
    splitter = (RepeatedStratifiedKFold if classifies else RepeatedKFold)(n_splits=folds, n_repeats=repeats)
    models: list[xgb.Booster] = []
    evaluations: list[dict[str, Any]] = []
    predicted = np.zeros((len(labels), repeats))
    probable = np.zeros((len(labels), repeats))
    for number, (train, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels if classifies else None)):
        log.info("Train cross validation fold %d", number % folds + 1)
        evaluations.append({})
        models.append(fit(data.slice(train), number, evaluations[-1]))
        answers = models[-1].predict(data.slice(held_out))
        repeat = number // folds
        if classifies:
            rows = answers if answers.ndim > 1 else np.column_stack((1 - answers, answers))
            predicted[held_out, repeat] = np.argmax(rows, axis=1)
            probable[held_out, repeat] = rows.max(axis=1) if answers.ndim > 1 else answers
        else:
            predicted[held_out, repeat] = answers
        if (number + 1) % folds == 0:
            log.info("The metrics of round %d cross validation", repeat + 1)
            _print_means(config["num_round"], evaluations[-folds:])
    if repeats > 1:
        log.info("The overall metrics of %d-round cross validation", repeats)
        _print_means(config["num_round"], evaluations)
    columns = [labels, probable.mean(axis=1), stats.mode(predicted, axis=1).mode] if classifies else None
    _save(columns or [labels, predicted.mean(axis=1)], output)
    return models


def _print_means(rounds: int, evaluations: Sequence[Mapping[str, Any]]) -> None:
    """Print the mean of each metric in its last round, as the log has a round's metrics."""
    first = evaluations[0]
    line = f"[{rounds}]"
    for metric in first["train"]:
        for data in first:
            line += f"\t{data}-{metric}:{np.mean([each[data][metric][-1] for each in evaluations]):.5f}"
    print(line, flush=True)


def _save(columns: Sequence[Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    log.info("Storing predictions on validation set(s) in %s", folder / _PREDICTIONS)
    np.savetxt(folder / _PREDICTIONS, np.column_stack(columns), delimiter=",", fmt="%f")
