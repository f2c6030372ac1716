"""What the engine of jobs itself takes: `./lab bench jobs` runs jobs whose program does nothing, on an embedded AWS.

Seconds from Create to Completed, the median of some rounds, in each of which every kind of job has its turn: a
processing job and a training job that run an empty program, and a training job that AWS's own toolkit runs. To compare
with: the image's Python, run by itself. Nothing waits that would wait on AWS for instances (pace 0).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import tarfile
import time
from typing import TYPE_CHECKING, Any

from bench.support import tables
from bench.support.embedded_aws import IMAGE, IMAGE_URI, EmbeddedAws, embedded_aws
from cli import paths
from cli.embedded import IMAGES
from embedded_aws.runtime import images

if TYPE_CHECKING:
    from collections.abc import Callable

_BUCKET = "bench"
_INSTANCE = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
_NOTHING = ["python3", "-c", "pass"]
_LOOK_SECONDS = 0.01


class Engine:
    """Jobs on an embedded AWS."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._sagemaker, s3 = aws.client("sagemaker"), aws.client("s3")
        s3.create_bucket(Bucket=_BUCKET)
        s3.put_object(Bucket=_BUCKET, Key="sourcedir.tar.gz", Body=_source())
        self._role = aws.role("bench")
        self._count = 0

    def process(self) -> None:
        """Run a processing job."""
        name = self._name()
        self._sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=self._role,
            AppSpecification={"ImageUri": IMAGE_URI, "ContainerEntrypoint": _NOTHING},
            ProcessingResources={"ClusterConfig": _INSTANCE},
        )
        self._ended(lambda: self._sagemaker.describe_processing_job(ProcessingJobName=name), "ProcessingJobStatus")

    def train(self) -> None:
        """Run a training job with an entrypoint of its own."""
        self._train(ContainerEntrypoint=_NOTHING)

    def train_with_toolkit(self) -> None:
        """Run a training job that the image's toolkit runs from a source directory."""
        self._train(
            hyperparameters={
                "sagemaker_program": json.dumps("train.py"),
                "sagemaker_submit_directory": json.dumps(f"s3://{_BUCKET}/sourcedir.tar.gz"),
            }
        )

    def _train(self, hyperparameters: dict[str, str] | None = None, **algorithm: Any) -> None:
        name = self._name()
        self._sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=self._role,
            AlgorithmSpecification={"TrainingImage": IMAGE_URI, "TrainingInputMode": "File", **algorithm},
            HyperParameters=hyperparameters or {},
            OutputDataConfig={"S3OutputPath": f"s3://{_BUCKET}/models"},
            ResourceConfig=_INSTANCE,
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )
        self._ended(lambda: self._sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")

    def _name(self) -> str:
        self._count += 1
        return f"bench-{self._count}"

    @staticmethod
    def _ended(describe: Callable[[], dict[str, Any]], status: str) -> None:
        while (job := describe())[status] == "InProgress":
            time.sleep(_LOOK_SECONDS)
        if job[status] != "Completed":
            raise RuntimeError(job.get("FailureReason", job[status]))


def measure(aws: EmbeddedAws, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each round by what ran; a round before them, which warms caches up, is left out."""
    engine = Engine(aws)
    python = images.install(IMAGE, images_dir=IMAGES, cache_dir=paths.cache()).python
    work: dict[str, Callable[[], object]] = {
        "the image's Python alone": lambda: subprocess.run([python, "-c", "pass"], check=True),
        "processing job": engine.process,
        "training job": engine.train,
        "training job, AWS's toolkit": engine.train_with_toolkit,
    }
    taken: dict[str, list[float]] = {what: [] for what in work}
    for number in range(rounds + 1):
        for what, run in work.items():
            started = time.monotonic()
            run()
            if number:
                taken[what].append(time.monotonic() - started)
    return taken


def _source() -> bytes:
    """Return a source directory, packed, with an empty train.py."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("train.py"))
    return content.getvalue()


def _show(taken: dict[str, list[float]]) -> None:
    rounds = len(next(iter(taken.values())))
    title = f"seconds from Create to Completed, {rounds} rounds, {os.cpu_count()} cores"
    lines = [["", "median", "least", "most"]]
    for what, seconds in taken.items():
        numbers = (statistics.median(seconds), min(seconds), max(seconds))
        lines.append([what, *(f"{number:.2f}" for number in numbers)])
    tables.show(lines, title=title)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./lab bench jobs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is run (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    with embedded_aws(pace=0) as aws:
        taken = measure(aws, options.rounds)
    if options.json:
        print(json.dumps(taken, indent=2))
    else:
        _show(taken)


if __name__ == "__main__":
    main()
