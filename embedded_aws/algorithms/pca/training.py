"""A training job of PCA: `model_algo-1` has the NDArrays `mean` (1, d), `v` (d, k) and `s` (k,), smallest first.

Source of the file: what users print of it, such as "MXNet Array" in public notebooks of the census counties.
Not compared with AWS: how a test channel is scored, which its guide only mentions: it is read, and not scored; that
more components than features, or than records, are refused.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from embedded_aws.algorithms import ndarrays
from embedded_aws.algorithms.pca import components
from embedded_aws.algorithms.pca.hyperparameters import RULES
from embedded_aws.algorithms.sdk import training
from embedded_aws.algorithms.sdk.channels import TEST, Expected
from embedded_aws.algorithms.sdk.errors import CustomerError
from embedded_aws.algorithms.sdk.training import Task, report

if TYPE_CHECKING:
    from embedded_aws.algorithms.job import TrainingJob
    from embedded_aws.algorithms.pca.components import Components

__all__ = ["report", "train"]
MODEL = "model_algo-1"
_LEAST_EXTRA = 10


def train(job: TrainingJob) -> None:
    """Learn the components and write them. Raises CustomerError."""
    task = training.prepare(job, algorithm="PCA", library="NumPy and SciPy", rules=RULES, expected=Expected())
    found = fit(task)
    arrays = {"s": found.s, "v": found.v}
    if found.mean is not None:
        arrays["mean"] = found.mean[None]
    task.log.line("Test data is not scored." if TEST in task.channels else "Test data is not provided.")
    (job.model / MODEL).write_bytes(ndarrays.dump(arrays))


def fit(task: Task) -> Components:
    """Return the components of the training data. Raises CustomerError."""
    given, data = task.hyperparameters, task.train.features
    number, size = given["num_components"], given["mini_batch_size"]
    if number > min(data.shape):
        raise CustomerError(
            f"num_components is {number}, and the train dataset has {data.shape[0]} records of {data.shape[1]} "
            "features. Please set num_components to no more than these."
        )
    batches = (data[start : start + size].astype(float) for start in range(0, data.shape[0], size))
    started = time.monotonic()
    if given["algorithm_mode"] == "regular":
        found = components.regular(batches, number, subtract_mean=given["subtract_mean"])
    else:
        extra = given["extra_components"]
        found = components.randomized(
            batches,
            number,
            extra=max(_LEAST_EXTRA, number) if extra < 0 else extra,
            subtract_mean=given["subtract_mean"],
            random=np.random.default_rng(training.SEED),
        )
    task.log.progress(0, 1)
    task.log.throughput(len(task.train), time.monotonic() - started)
    return found
