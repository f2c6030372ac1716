"""Short ways to run a tuning job and to see what came of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.embedded_aws.services.sagemaker import calls

if TYPE_CHECKING:
    from collections.abc import Callable

GRID = {"CategoricalParameterRanges": [{"Name": "quality", "Values": ["3", "9", "1", "8"]}]}
UNIT = {"ContinuousParameterRanges": [{"Name": "quality", "MinValue": "0", "MaxValue": "1"}]}
Client = Any
Job = dict[str, Any]


def ended(client: Client, name: str = "tuning") -> Job:
    """Wait for a tuning job's end; what Describe answers then."""
    deadline = time.monotonic() + 30
    while (job := described(client, name))["HyperParameterTuningJobStatus"] in ("InProgress", "Stopping"):
        assert time.monotonic() < deadline, job
        time.sleep(0.01)
    return job


def described(client: Client, name: str = "tuning") -> Job:
    """DescribeHyperParameterTuningJob."""
    answer: Job = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return answer


def tune(client: Client, **more: Any) -> Job:
    """Run a tuning job to its end."""
    calls.tuning_job(client, **more)
    return ended(client, more.get("name", "tuning"))


def jobs(client: Client, name: str = "tuning", **more: Any) -> list[Job]:
    """Its training jobs, in the order of their numbers."""
    operation = client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    pages = operation.paginate(HyperParameterTuningJobName=name, **more)
    return [job for page in pages for job in page["TrainingJobSummaries"]]


def tried(client: Client, name: str = "tuning") -> list[str]:
    """The values that were tried, in the order of the training jobs' numbers."""
    return [job["TunedHyperParameters"]["quality"] for job in jobs(client, name)]


def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition to hold."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
