"""A training job of k-NN: a sample of the records becomes the index; a test channel is scored with it.

Not compared with AWS: which records are sampled; that k is not larger than the sample.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import f1_score

from embedded_aws.algorithms.knn import hyperparameters, neighbours
from embedded_aws.algorithms.knn.model import CLASSIFIER, Model
from embedded_aws.algorithms.sdk import training
from embedded_aws.algorithms.sdk.channels import TEST, Expected
from embedded_aws.algorithms.sdk.errors import CustomerError
from embedded_aws.algorithms.sdk.training import Task, report

if TYPE_CHECKING:
    from embedded_aws.algorithms.job import TrainingJob

__all__ = ["report", "train"]
_EXPECTED = Expected(labeled=True)


def train(job: TrainingJob) -> None:
    """Build the index and write it. Raises CustomerError."""
    task = training.prepare(job, algorithm="k-NN", library="FAISS", rules=hyperparameters.RULES, expected=_EXPECTED)
    model = fit(task)
    _score(task, model)
    model.save(job.model)


def fit(task: Task) -> Model:
    """Return an index of a sample of the training data. Raises CustomerError."""
    given, data = task.hyperparameters, task.train
    hyperparameters.check(given, data.features.shape[1])
    size = min(given["sample_size"], len(data))
    if given["k"] > size:
        raise CustomerError(f"k is {given['k']}, and there are {size} records in the sample. Please set k to no more.")
    started = time.monotonic()
    sample = np.sort(np.random.default_rng(training.SEED).choice(len(data), size, replace=False))
    prepare = neighbours.preparation(given, data.features.shape[1], training.SEED)
    task.log.progress(0, 1)
    task.log.throughput(len(data), time.monotonic() - started)
    task.log.line("Training index...")
    index = neighbours.build(prepare(data.features[sample]), given)
    task.log.line(f"...Finished training index in {int(time.monotonic() - started)} second(s)")
    return Model(index, data.labels[sample], prepare, given["k"], given["predictor_type"])


def _score(task: Task, model: Model) -> None:
    """Write how good the predictions for the test channel are."""
    if TEST not in task.channels:
        task.log.line("Test data is not provided.")
        return
    test = task.channels[TEST]
    predicted = model.predict(test.features).predicted
    if model.predictor_type == CLASSIFIER:
        scores = {
            "accuracy": float(np.mean(predicted == test.labels)),
            "macro_f_1.000": float(f1_score(test.labels, predicted, average="macro", zero_division=0)),
        }
        kind = "score"
    else:
        scores, kind = {"mse": float(np.mean(np.square(predicted - test.labels)))}, "loss"
    for name, value in scores.items():
        task.log.score(name, value, of=TEST)
    for name, value in scores.items():
        task.log.quality(name, value, of=TEST, kind=kind)
