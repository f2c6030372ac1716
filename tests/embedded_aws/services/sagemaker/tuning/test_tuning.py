"""Tuning jobs over real training jobs: the toolkit runs the script, and its log says how good it was."""

from __future__ import annotations

import uuid
from typing import Any

import botocore.exceptions
import pytest

from tests.embedded_aws.account import BUCKET, TRAINING_IMAGE, Account, files_of, until

GROUP = "/aws/sagemaker/TrainingJobs"
METRIC = {"Name": "score", "Regex": r"score=([0-9.eE+-]+)"}

# Scores higher the nearer `rate` is to 0.3; says so after each of three epochs, and waits after the first if it is bad.
SCRIPT = b"""
import argparse, os, time
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float)
parser.add_argument("--pause", type=float, default=0)
parser.add_argument("--model_dir")  # which the container adds
rate = parser.parse_args().rate
for epoch in range(1, 4):
    print(f"epoch={epoch} score={-(rate - 0.3) ** 2:.6f}", flush=True)
    if abs(rate - 0.3) > 0.5:
        time.sleep(parser.parse_args().pause)
with open(os.path.join(os.environ["SM_MODEL_DIR"], "rate.txt"), "w") as file:
    file.write(str(rate))
"""


def start(
    account: Account, ranges: dict[str, Any], *, most: int, parallel: int = 2, role: str | None = None, **more: Any
) -> str:
    """Start a tuning job of the script; its name."""
    name = f"tune-{uuid.uuid4().hex[:8]}"
    config = {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": most, "MaxParallelTrainingJobs": parallel},
        "ParameterRanges": ranges,
        **more,
    }
    account.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=config,
        TrainingJobDefinition={
            "StaticHyperParameters": {**account.source({"train.py": SCRIPT}), "pause": "60"},
            "AlgorithmSpecification": {
                "TrainingImage": TRAINING_IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [METRIC],
            },
            "RoleArn": role or account.role,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/training"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 120},
        },
    )
    return name


def end_of(account: Account, name: str) -> dict[str, Any]:
    """Wait for a tuning job's end; what Describe answers then."""

    def ended() -> dict[str, Any] | None:
        answer: dict[str, Any] = account.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return answer if answer["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return dict(until(ended, 120))


def jobs(account: Account, name: str) -> list[dict[str, Any]]:
    """The training jobs of a tuning job."""
    answer = account.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return list(answer["TrainingJobSummaries"])


def test_finds_the_best_of_real_training_jobs(account: Account) -> None:
    """Scripts get the tuned values as flags, the best by their logs is told, and its model lies in S3."""
    ranges = {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.1", "MaxValue": "0.7"}]}
    name = start(account, ranges, most=3)
    job = end_of(account, name)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    trials = jobs(account, name)
    assert len(trials) == 3
    best = job["BestTrainingJob"]
    rate = best["TunedHyperParameters"]["rate"]
    assert abs(float(rate) - 0.3) == min(abs(float(each["TunedHyperParameters"]["rate"]) - 0.3) for each in trials)
    training = account.sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert files_of(account.get(training["ModelArtifacts"]["S3ModelArtifacts"])) == {"rate.txt": rate.encode()}
    assert training["FinalMetricDataList"][0]["Value"] == pytest.approx(
        best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    )
    assert any(line.startswith("epoch=3 score=") for line in account.lines(GROUP, best["TrainingJobName"]))


def test_stops_a_real_training_job_early(account: Account) -> None:
    """What has printed a worse objective than those before it is stopped in the middle of its work."""
    ranges = {"CategoricalParameterRanges": [{"Name": "rate", "Values": ["0.3", "0.9"]}]}
    name = start(account, ranges, most=2, parallel=1, Strategy="Grid", TrainingJobEarlyStoppingType="Auto")
    job = end_of(account, name)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert [each["TrainingJobStatus"] for each in jobs(account, name)] == ["Completed", "Stopped"]
    assert "epoch=2" not in "".join(account.lines(GROUP, jobs(account, name)[1]["TrainingJobName"]))


def test_refuses_a_role_it_cannot_assume(account: Account) -> None:
    """A definition whose role is not there is refused at once, and no tuning job is left."""
    ranges = {"CategoricalParameterRanges": [{"Name": "rate", "Values": ["0.3"]}]}
    before = account.sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    with pytest.raises(botocore.exceptions.ClientError, match="Could not assume role"):
        start(account, ranges, most=1, parallel=1, role="arn:aws:iam::000000000000:role/nobody", Strategy="Grid")
    assert account.sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == before
