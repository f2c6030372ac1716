"""What a tuning job's training jobs have come to: the counters, the best of them, and when it is enough.

`No training job succeeded after 5 attempts …` is AWS's (users' logs). Not compared with AWS: the sentence for an
objective that no job tells; that it too comes after five; that a tuning job which launched fewer fails alike. A job
that was stopped early is the best only if none has completed: it may have left no model.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.training import trials

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.services.sagemaker.store import Record

ATTEMPTS = 5
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


class Tally:
    """The trials' records as they are now; `ended` in the order in which they ended."""

    def __init__(self, records: Sequence[Record], ended: Sequence[Record], *, minimize: bool) -> None:
        self._records, self._ended = records, ended
        self._sign = 1 if minimize else -1

    def members(self) -> dict[str, Any]:
        """DescribeHyperParameterTuningJob's members about the trials."""
        states = Counter(_state(record) for record in self._records)
        objectives = Counter(record.members.get("ObjectiveStatus", "Pending") for record in self._records)
        best = self.best()
        return {
            "TrainingJobStatusCounters": counters(states),
            "ObjectiveStatusCounters": {name: objectives[name] for name in ("Succeeded", "Pending", "Failed")},
            "TuningJobCompletionDetails": {"NumberOfTrainingJobsObjectiveNotImproving": self.not_improving()},
            **({"BestTrainingJob": best.members} if best else {}),
        }

    def best(self, earlier: Sequence[Record] = ()) -> Record | None:
        """The trial with the best objective, among those of earlier tuning jobs too."""
        judged = [record for record in (*earlier, *self._ended) if trials.result(record) is not None]
        completed = [record for record in judged if record.status == "Completed"]
        return min(completed or judged, key=self._loss, default=None)

    def overall(self, earlier: Sequence[Record]) -> dict[str, Any]:
        """The member that names the best one of a tuning job and its parents."""
        best = self.best(earlier)
        return {"OverallBestTrainingJob": best.members} if best else {}

    def reached(self, target: float | None) -> bool:
        """Whether the best objective is at least as good as the target."""
        best = self.best()
        return target is not None and best is not None and self._loss(best) <= self._sign * target

    def not_improving(self) -> int:
        """How many trials have ended since one was at least 1% better than all before it."""
        best, count = None, 0
        for record in self._ended:
            loss = self._loss(record) if trials.result(record) is not None else None
            if loss is not None and (best is None or best - loss >= _IMPROVEMENT * abs(best) > 0):
                best, count = loss, 0
            else:
                count += 1
        return count

    def failure(self, *, last: bool) -> str:
        """Why the tuning job is to fail, "" if it is not; `last` says that no further trial comes."""
        if self.best() or not self._ended or not (last or len(self._ended) >= ATTEMPTS):
            return ""
        ran = any(record.status == "Completed" for record in self._ended)
        return (_NO_METRICS if ran else _NONE_SUCCEEDED).format(len(self._ended))

    def _loss(self, record: Record) -> float:
        return self._sign * (trials.result(record) or 0.0)


def counters(states: Mapping[str, int]) -> dict[str, int]:
    """TrainingJobStatusCounters."""
    names = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
    return {name: states.get(name, 0) for name in names}


def _state(record: Record) -> str:
    if record.status == "Failed":
        fault = record.members.get("FailureReason", "")
        return "RetryableError" if fault.startswith("InternalServerError") else "NonRetryableError"
    return _STATES[record.status]
