"""Find an algorithm by its repository's name and run what it is asked for."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

from embedded_aws.algorithms import job, server


def run(repository: str, verb: str, *words: str) -> int:
    """Train or serve with the algorithm of a repository, `linear-learner`; return the exit status."""
    algorithm = f"{__package__}.{repository.replace('-', '_')}"
    if verb == "train":
        # OpenMP's threads spin while they wait for each other: where other jobs want the processors too, a training
        # takes ten times as long. The numbers are the same.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        training = import_module(f"{algorithm}.training")
        ml = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
        return job.run(training.train, job.TrainingJob(ml), report=getattr(training, "report", job.framework_error))
    listen, folder = words
    return server.run(import_module(f"{algorithm}.serving").load, int(listen), Path(folder))
