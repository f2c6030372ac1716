"""The training jobs of a tuning job: how each is asked for and judged, what they have come to, which is the best.

Their names are AWS's: `<tuning job>-001-0e830ada`. `No training job succeeded after 5 attempts …` is AWS's (users'
logs). A job that was stopped early is the best only if none has completed: it may have left no model. Not compared with
AWS: that each trial has a folder of its own below the CheckpointConfig's S3Uri; without it one would go on from
another's checkpoint; the sentence for an objective that no job tells; that it too comes after five; that a tuning job
which launched fewer fails alike.
"""

from __future__ import annotations

import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import built_in_algorithms
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED
from embedded_aws.services.sagemaker.resource_types.tuning import (
    OBJECTIVE_COUNTERS,
    STATUS_COUNTERS,
    training_resources,
)
from embedded_aws.services.sagemaker.training.metrics import OBJECTIVE_HYPERPARAMETER, OBJECTIVE_VALUES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.services.sagemaker.store import Record

OBJECTIVE_VALUE = "FinalObjectiveMetricValue"
ATTEMPTS = 5
_OF_DEFINITION_ONLY = {
    "DefinitionName",
    "HyperParameterTuningResourceConfig",
    "TuningObjective",
    "HyperParameterRanges",
    "StaticHyperParameters",
}
_NONE_SUCCEEDED = (
    "No training job succeeded after {} attempts. For additional details, please take a look at the training job "
    "failures by listing training jobs for the hyperparameter tuning job."
)
_NO_METRICS = (
    "No objective metrics found after running {} training jobs. Please ensure that the custom algorithm is emitting "
    "the objective metric as defined by the regular expression provided."
)
_IMPROVEMENT = 0.01  # BestObjectiveNotImproving's documentation
_STATES = {"Completed": "Completed", "Stopped": "Stopped", "InProgress": "InProgress", "Stopping": "InProgress"}


def name(tuning_job: str, number: int) -> str:
    """Make a name for the training job of that number, from 1 on."""
    return f"{tuning_job}-{number:03d}-{secrets.token_hex(4)}"


def request(
    job: str, definition: Mapping[str, Any], values: Mapping[str, str], *, objective: str, tags: list[dict[str, str]]
) -> dict[str, Any]:
    """Return CreateTrainingJob's request for a training job with these values of the hyperparameters."""
    static = definition.get("StaticHyperParameters", {})
    made = {
        **{member: value for member, value in definition.items() if member not in _OF_DEFINITION_ONLY},
        "AlgorithmSpecification": built_in_algorithms.asked(definition["AlgorithmSpecification"]),
        "TrainingJobName": job,
        "ResourceConfig": training_resources(definition),
        "HyperParameters": {**static, **values, OBJECTIVE_HYPERPARAMETER: objective},
        **({"Tags": tags} if tags else {}),
    }
    if "CheckpointConfig" in made:
        given = made["CheckpointConfig"]
        made["CheckpointConfig"] = {**given, "S3Uri": f"{given['S3Uri'].rstrip('/')}/{job}"}
    return made


def of(tuning_job: Record, records: list[Record]) -> list[Record]:
    """Return those of the training jobs that are the tuning job's."""
    return [record for record in records if record.members.get("TuningJobArn") == tuning_job.arn]


def objective_values(record: Record) -> tuple[float, ...]:
    """Return all values that the training job's objective has had."""
    return tuple(record.members.get(OBJECTIVE_VALUES, ()))


def final_objective(record: Record) -> float | None:
    """Return the objective by which an ended training job is judged; None if it failed or never told one."""
    values = objective_values(record)
    return values[-1] if values and record.status in ("Completed", "Stopped") else None


def objective_members(record: Record, metric: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of its summary that say how the training job's objective stands."""
    values, status = objective_values(record), "Pending"
    if record.status in ENDED:
        status = "Failed" if final_objective(record) is None else "Succeeded"
    members: dict[str, Any] = {"ObjectiveStatus": status}
    if values:
        members["FinalHyperParameterTuningJobObjectiveMetric"] = {**metric, "Value": values[-1]}
        members[OBJECTIVE_VALUE] = values[-1]
    return members


class Results:
    """What the training jobs have come to by now; `ended` are their records in the order in which they ended."""

    def __init__(self, records: Sequence[Record], ended: Sequence[Record], *, minimize: bool) -> None:
        self._records, self._ended = records, ended
        self._sign = 1 if minimize else -1

    def members(self) -> dict[str, Any]:
        """Return DescribeHyperParameterTuningJob's members about the training jobs."""
        states = Counter(_state(record) for record in self._records)
        objectives = Counter(record.members.get("ObjectiveStatus", "Pending") for record in self._records)
        best = self.best()
        return {
            "TrainingJobStatusCounters": {name: states[name] for name in STATUS_COUNTERS},
            "ObjectiveStatusCounters": {name: objectives[name] for name in OBJECTIVE_COUNTERS},
            "TuningJobCompletionDetails": {"NumberOfTrainingJobsObjectiveNotImproving": self.not_improving()},
            **({"BestTrainingJob": best.members} if best else {}),
        }

    def best(self, earlier: Sequence[Record] = ()) -> Record | None:
        """Return the training job with the best objective, among those of earlier tuning jobs too."""
        judged = [record for record in (*earlier, *self._ended) if final_objective(record) is not None]
        completed = [record for record in judged if record.status == "Completed"]
        return min(completed or judged, key=self._loss, default=None)

    def overall_best(self, earlier: Sequence[Record]) -> dict[str, Any]:
        """Return the member that names the best one of a tuning job and its parents."""
        best = self.best(earlier)
        return {"OverallBestTrainingJob": best.members} if best else {}

    def reached(self, target: float | None) -> bool:
        """Return whether the best objective is at least as good as the target."""
        best = self.best()
        return target is not None and best is not None and self._loss(best) <= self._sign * target

    def not_improving(self) -> int:
        """Return how many training jobs have ended since one was at least 1% better than all before it."""
        best, count = None, 0
        for record in self._ended:
            loss = self._loss(record) if final_objective(record) is not None else None
            if loss is not None and (best is None or best - loss >= _IMPROVEMENT * abs(best) > 0):
                best, count = loss, 0
            else:
                count += 1
        return count

    def failure(self, *, last: bool) -> str:
        """Return why the tuning job is to fail, "" if it is not; `last` says that no further training job comes."""
        if self.best() or not self._ended or not (last or len(self._ended) >= ATTEMPTS):
            return ""
        ran = any(record.status == "Completed" for record in self._ended)
        return (_NO_METRICS if ran else _NONE_SUCCEEDED).format(len(self._ended))

    def _loss(self, record: Record) -> float:
        return self._sign * (final_objective(record) or 0.0)


def _state(record: Record) -> str:
    if record.status == "Failed":
        fault = record.members.get("FailureReason", "")
        return "RetryableError" if fault.startswith("InternalServerError") else "NonRetryableError"
    return _STATES[record.status]
