"""A training job of k-means: `model_algo-1` is an NDArray of the centers (k, d).

Source of the file: AWS's notebook kmeans_bring_your_own_model, and what users load of it.
Not compared with AWS: that fewer records than k are refused.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from embedded_aws.algorithms import ndarrays
from embedded_aws.algorithms.kmeans import centers
from embedded_aws.algorithms.kmeans.hyperparameters import RULES
from embedded_aws.algorithms.sdk import training
from embedded_aws.algorithms.sdk.channels import TEST, Expected
from embedded_aws.algorithms.sdk.errors import CustomerError
from embedded_aws.algorithms.sdk.training import Task, report

if TYPE_CHECKING:
    from typing import Any

    from embedded_aws.algorithms.job import TrainingJob

    Array = np.ndarray[Any, Any]

__all__ = ["report", "train"]
MODEL = "model_algo-1"
_FACTOR = 10
_SMALL = "Batch size {} is bigger than the first batch data. Effective batch size used to initialize is {}"


def train(job: TrainingJob) -> None:
    """Learn the centers and write them. Raises CustomerError."""
    task = training.prepare(
        job, algorithm="k-means", library="NumPy and scikit-learn", rules=RULES, expected=Expected()
    )
    points = fit(task)
    _score(task, points)
    (job.model / MODEL).write_bytes(ndarrays.dump([points]))


def fit(task: Task) -> Array:
    """Return the k centers (k, d) of the training data. Raises CustomerError."""
    given, data, log = task.hyperparameters, task.train.features, task.log
    random = np.random.default_rng(training.SEED)
    factor = given["extra_center_factor"]
    if factor == "auto":
        factor = _FACTOR
        log.line(f"'extra_center_factor' was set to 'auto', evaluated to {factor}.")
    if len(task.train) < given["k"]:
        raise CustomerError(f"The train dataset has {len(task.train)} records, fewer than k={given['k']} clusters.")
    size = min(given["mini_batch_size"], len(task.train))
    if size < given["mini_batch_size"]:
        log.notice(_SMALL.format(given["mini_batch_size"], size))
    order = random.permutation(len(task.train))
    found = centers.first(data[order[: max(size, given["k"])]], given["k"] * factor, given["init_method"], random)
    started = time.monotonic()
    for epoch in range(given["epochs"]):
        for start in range(0, len(order), size):
            found.update(data[order[start : start + size]], half_life=given["half_life_time_size"])
        log.progress(epoch, given["epochs"])
    log.throughput(len(order) * given["epochs"], time.monotonic() - started)
    log.line(f"shrinking {len(found.points)} centers into {given['k']}")
    points, distance = centers.shrink(found, given, random)
    log.quality("msd", distance, of="train", kind="loss")
    return points


def _score(task: Task, points: Array) -> None:
    """Write how far the records of the test channel are from the centers."""
    if TEST not in task.channels:
        task.log.line("Test data is not provided.")
        return
    _, distances = centers.nearest(task.channels[TEST].features, points)
    squared = float(np.square(distances, dtype=float).sum())
    values = {"msd": squared / len(distances), "ssd": squared}
    for name in task.hyperparameters["eval_metrics"]:
        task.log.score(name, values[name], of=TEST)
    for name in task.hyperparameters["eval_metrics"]:
        task.log.quality(name, values[name], of=TEST, kind="loss")
