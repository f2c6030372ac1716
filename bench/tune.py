"""Bayesian or random: `./lab bench tune` runs tuning jobs of both strategies on an embedded AWS of their own.

Each seed gives a pair of tuning jobs of the lab's network, with as many trials each, run side by side; their first
trials are the same. What is compared is the accuracy of the best trial. The task is hard, so that hyperparameters
matter: few images, two epochs, ranges over decades.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tarfile
import time

import numpy as np

from bench.support import tables
from bench.support.embedded_aws import IMAGE_URI, EmbeddedAws, embedded_aws
from cli import paths
from datasets import ensure

STRATEGIES = ("Bayesian", "Random")
_NAME = "bench"  # of bucket and role
_MODEL_CODE = paths.ROOT / "model_code"
_SOURCE = (paths.ROOT / "bench" / "scripts" / "trial.py", _MODEL_CODE / "model.py", _MODEL_CODE / "data.py")
_RANGES = {
    "ContinuousParameterRanges": [
        {"Name": "learning_rate", "MinValue": "0.00001", "MaxValue": "1", "ScalingType": "Logarithmic"}
    ],
    "IntegerParameterRanges": [
        {"Name": "batch_size", "MinValue": "8", "MaxValue": "256", "ScalingType": "Logarithmic"},
        {"Name": "hidden_units", "MinValue": "8", "MaxValue": "256", "ScalingType": "Logarithmic"},
    ],
}
_POLL_SECONDS = 0.5


class Bench:
    """An embedded AWS with data, code and a role in it."""

    def __init__(self, aws: EmbeddedAws, *, images: int, epochs: int, trials: int) -> None:
        self._epochs, self._trials = epochs, trials
        self.sagemaker = aws.client("sagemaker")
        self._role = aws.role(_NAME)
        s3 = aws.client("s3")
        s3.create_bucket(Bucket=_NAME)
        for name, content in {**_data(images), "code/source.tar.gz": _code()}.items():
            s3.put_object(Bucket=_NAME, Key=name, Body=content)

    def pair(self, seed: int) -> dict[str, list[float]]:
        """Tune with each strategy, at the same time; return the accuracy of each trial, in their order."""
        names = {strategy: f"{strategy.lower()}-{seed}" for strategy in STRATEGIES}
        for strategy, name in names.items():
            self._start(name, strategy, seed)
        return {strategy: self._accuracies(name) for strategy, name in names.items()}

    def _start(self, name: str, strategy: str, seed: int) -> None:
        metric = "validation:accuracy"
        channel = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{_NAME}/data/"}
        self.sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name,
            HyperParameterTuningJobConfig={
                "Strategy": strategy,
                "RandomSeed": seed,
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": metric},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": self._trials, "MaxParallelTrainingJobs": 1},
                "ParameterRanges": _RANGES,
            },
            TrainingJobDefinition={
                "StaticHyperParameters": {
                    "epochs": str(self._epochs),
                    "sagemaker_program": "trial.py",
                    "sagemaker_submit_directory": f"s3://{_NAME}/code/source.tar.gz",
                },
                "AlgorithmSpecification": {
                    "TrainingImage": IMAGE_URI,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": metric, "Regex": "val_accuracy=([0-9.]+)"}],
                },
                "RoleArn": self._role,
                "InputDataConfig": [{"ChannelName": "training", "DataSource": {"S3DataSource": channel}}],
                "OutputDataConfig": {"S3OutputPath": f"s3://{_NAME}/training"},
                "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            },
        )

    def _accuracies(self, name: str) -> list[float]:
        job = {"HyperParameterTuningJobName": name}
        while (ended := self.sagemaker.describe_hyper_parameter_tuning_job(**job))["HyperParameterTuningJobStatus"] in (
            "InProgress",
            "Stopping",
        ):
            time.sleep(_POLL_SECONDS)
        if ended["HyperParameterTuningJobStatus"] != "Completed":
            sys.exit(f"{name}: {ended.get('FailureReason')}")
        pages = self.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(**job)
        trials = [trial for page in pages for trial in page["TrainingJobSummaries"]]
        return [trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for trial in trials]


def _data(images: int) -> dict[str, bytes]:
    """Return the first so many training images of the lab's data set, and all its test images."""
    folder, made = ensure(cache=paths.cache() / "datasets"), {}
    for part, most in (("train", images), ("test", None)):
        for what in ("images", "labels"):
            content = io.BytesIO()
            np.save(content, np.load(folder / f"lego-simple-{part}-{what}.npy")[:most])
            made[f"data/{part}-{what}.npy"] = content.getvalue()
    return made


def _code() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path in _SOURCE:
            archive.add(path, arcname=path.name)
    return content.getvalue()


def _show(rows: list[dict[str, list[float]]], seconds: float) -> None:
    trials = len(rows[0][STRATEGIES[0]])
    bests = [{strategy: max(row[strategy]) for strategy in STRATEGIES} for row in rows]
    lines = [["seed", *STRATEGIES]]
    lines += [[str(seed), *(f"{best[each]:.1%}" for each in STRATEGIES)] for seed, best in enumerate(bests)]
    medians = [statistics.median(best[strategy] for best in bests) for strategy in STRATEGIES]
    lines.append(["median", *(f"{median:.1%}" for median in medians)])
    tables.show(lines, title=f"best accuracy of {trials} trials")
    better = sum(best["Bayesian"] > best["Random"] for best in bests)
    equal = sum(best["Bayesian"] == best["Random"] for best in bests)
    print(f"Bayesian found better ones on {better} of {len(rows)} seeds, equal ones on {equal}; {seconds:.0f} s in all")


def main() -> None:
    """Run the pairs, print the table or JSON."""
    parser = argparse.ArgumentParser(prog="./lab bench tune", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="pairs of tuning jobs (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=20, help="training jobs of each (default: %(default)s)")
    parser.add_argument("--images", type=int, default=600, help="that the network learns from (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs: every trial's accuracy")
    options = parser.parse_args()
    started, rows = time.monotonic(), []
    with embedded_aws(pace=0) as aws:
        bench = Bench(aws, images=options.images, epochs=options.epochs, trials=options.trials)
        for seed in range(options.seeds):
            print(f"seed {seed} …", file=sys.stderr, flush=True)
            rows.append(bench.pair(seed))
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        _show(rows, time.monotonic() - started)


if __name__ == "__main__":
    main()
