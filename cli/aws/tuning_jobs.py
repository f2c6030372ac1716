"""Tuning jobs as they stand: their trials, and the best of them so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.aws.tuning import OBJECTIVE
from teardown.names import prefix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cli.aws.session import Session

UNDER_WAY = ("InProgress", "Stopping")
_NEWEST = 100  # that are listed: one page
_DESCRIBED = 12  # the newest of them, with their trials


@dataclass(frozen=True)
class TuningJob:
    """A tuning job; `most` is how many trials it may have, None without a limit, `best` the best one so far."""

    name: str
    status: str
    strategy: str
    created: datetime
    counters: Mapping[str, int]
    most: int | None
    trials: Sequence[Mapping[str, Any]] = ()
    best: Mapping[str, Any] | None = None
    metric: str = ""
    failure: str = ""

    @property
    def runs(self) -> bool:
        """Return whether it has not ended."""
        return self.status in UNDER_WAY

    @property
    def ended_trials(self) -> int:
        """Return how many of its training jobs have ended, however."""
        return sum(self.counters.values()) - self.counters.get("InProgress", 0)

    @property
    def objectives(self) -> list[float | None]:
        """Return what each trial has reached, in the order of their numbers; None: nothing yet."""
        return [trial["objective"] for trial in self.trials]


class TuningListing:
    """Lists the newest tuning jobs of a lab; what has ended is looked at once."""

    def __init__(self, session: Session, lab: str) -> None:
        self._sagemaker, self._prefix = session.client("sagemaker"), prefix(lab)
        self._ended: dict[str, TuningJob] = {}

    def read(self) -> list[TuningJob]:
        """List them, newest first."""
        newest = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": _NEWEST}
        answer = self._sagemaker.list_hyper_parameter_tuning_jobs(NameContains=self._prefix, **newest)
        listed = [
            each
            for each in answer["HyperParameterTuningJobSummaries"]
            if each["HyperParameterTuningJobName"].startswith(self._prefix)
        ]
        return [self._whole(each) for each in listed[:_DESCRIBED]] + [_summary(each) for each in listed[_DESCRIBED:]]

    def _whole(self, listed: Mapping[str, Any]) -> TuningJob:
        name = listed["HyperParameterTuningJobName"]
        if name in self._ended:
            return self._ended[name]
        described = self._sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        config = described["HyperParameterTuningJobConfig"]
        tried = trials(self._sagemaker, name)
        job = TuningJob(
            name=name,
            status=described["HyperParameterTuningJobStatus"],
            strategy=config["Strategy"],
            created=described["CreationTime"],
            counters=described["TrainingJobStatusCounters"],
            most=config.get("ResourceLimits", {}).get("MaxNumberOfTrainingJobs"),
            trials=tried,
            best=next((each for each in tried if each["name"] == best_trial(described)), None),
            metric=config.get("HyperParameterTuningJobObjective", {}).get("MetricName", ""),
            failure=described.get("FailureReason", ""),
        )
        if not job.runs:
            self._ended[name] = job
        return job


def trials(sagemaker: Any, tuning_job: str) -> list[dict[str, Any]]:
    """List the training jobs in the order of their numbers: name, status, hyperparameters, objective so far, reason."""
    operation = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    pages = operation.paginate(HyperParameterTuningJobName=tuning_job, SortBy="Name", SortOrder="Ascending")
    return [_trial(sagemaker, job) for page in pages for job in page["TrainingJobSummaries"]]


def best_trial(described: Mapping[str, Any]) -> str | None:
    """Return the name of the best trial so far of a tuning job, as DescribeHyperParameterTuningJob answers it."""
    name: str | None = described.get("BestTrainingJob", {}).get("TrainingJobName")
    return name


def short(value: str) -> str:
    """Write a hyperparameter in three digits, if it is a number with more."""
    try:
        return value if value.isdecimal() else f"{float(value):.3g}"
    except ValueError:
        return value


def _trial(sagemaker: Any, job: Mapping[str, Any]) -> dict[str, Any]:
    objective = job.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")
    if objective is None and job["TrainingJobStatus"] == "InProgress":
        # The summary tells the objective in the end only.
        running = sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
        metrics = {each["MetricName"]: each["Value"] for each in running.get("FinalMetricDataList", ())}
        objective = metrics.get(OBJECTIVE)
    return {
        "name": job["TrainingJobName"],
        "status": job["TrainingJobStatus"],
        "hyperparameters": job["TunedHyperParameters"],
        "objective": objective,
        "reason": job.get("FailureReason", ""),
    }


def _summary(listed: Mapping[str, Any]) -> TuningJob:
    return TuningJob(
        name=listed["HyperParameterTuningJobName"],
        status=listed["HyperParameterTuningJobStatus"],
        strategy=listed["Strategy"],
        created=listed["CreationTime"],
        counters=listed["TrainingJobStatusCounters"],
        most=listed.get("ResourceLimits", {}).get("MaxNumberOfTrainingJobs"),
    )
