"""A training job's statuses, transitions and times, as DescribeTrainingJob tells them.

TrainingTimeInSeconds counts the instances' time of all tries, not the waits between them. Of a spot job's time AWS
bills a share that follows the market; here it is always 30 %, about what the savings that users quote come to.
Not compared with AWS: the status messages of Interrupted and MaxWaitTimeExceeded.
"""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.training.metrics import OBJECTIVE_VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embedded_aws.services.sagemaker.store import Record, Store

_STATUS = {
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
    "MaxWaitTimeExceeded": "Stopped",
}
_MESSAGES = {
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
}
_INTERRUPTED = "The job stopped because the managed spot training instances were interrupted."
_SPOT_SHARE = 0.3
_WITHOUT_INSTANCES = ("Starting", "Interrupted")


class TrainingStatus:
    """Keeps statuses, transitions, times and metrics in one job's record.

    Of a job that an earlier embedded AWS began, `lost_at` is when its instances were lost.
    """

    def __init__(self, store: Store, record: Record, *, lost_at: datetime | None = None) -> None:
        self._store, self._record = store, record
        self._lock = threading.Lock()
        self._transitions: list[dict[str, Any]] = [*record.members.get("SecondaryStatusTransitions", ())]
        self._started: datetime | None = None  # of the instances that are there now
        self._seconds = sum(  # that earlier ones were there
            (each.get("EndTime", lost_at) - each["StartTime"]).total_seconds()
            for each in self._transitions
            if each["Status"] not in _WITHOUT_INSTANCES
        )
        self.ended = False

    @property
    def trained(self) -> float:
        """Return for how many seconds the job has trained in attempts that are over."""
        training = [each for each in self._transitions if each["Status"] == "Training" and "EndTime" in each]
        return float(sum((each["EndTime"] - each["StartTime"]).total_seconds() for each in training))

    def enter(self, secondary: str, message: str, *, at: datetime | None = None) -> None:
        """Go over to a secondary status, now or at an earlier moment. A job that is stopping goes on to upload only."""
        with self._lock:
            if self._record.status != "Stopping" or secondary == "Uploading":
                self._enter(secondary, message, at=at)

    def instances_started(self) -> datetime:
        """Begin the time that is billed: the instances are there. Returns when.

        The transition that follows is to begin then: after a kill transitions are all that is left of this time.
        """
        with self._lock:
            self._started = datetime.now(UTC)
            self._store.update(
                self._record, TrainingStartTime=self._record.members.get("TrainingStartTime", self._started)
            )
            return self._started

    def interrupted(self, at: datetime | None = None) -> None:
        """Record that the instances are gone; others will be waited for, unless the job is to end."""
        with self._lock:
            now = at or datetime.now(UTC)
            self._count(now)
            if self._record.status == "InProgress":
                self._enter("Interrupted", _INTERRUPTED, at=now)

    def stopping(self) -> None:
        """Record that the job was told to stop."""
        with self._lock:
            self._enter("Stopping", "Stopping the training job", TrainingJobStatus="Stopping")

    def record_metrics(self, final: list[dict[str, Any]]) -> None:
        """Record the metrics' latest values."""
        if final:
            self._store.note(self._record, FinalMetricDataList=final)

    def record_objective(self, values: Sequence[float]) -> None:
        """Record all values of its objective so far; its tuning job looks at them while it runs."""
        if len(values) > len(self._record.members.get(OBJECTIVE_VALUES, ())):
            self._store.note(self._record, **{OBJECTIVE_VALUES: tuple(values)})

    def end(self, secondary: str, *, at: datetime | None = None, **members: Any) -> None:
        """Record how the job ended; `members` are further members of Describe's answer."""
        with self._lock:
            self.ended = True
            now = at or datetime.now(UTC)
            self._count(now)
            share = _SPOT_SHARE if self._record.members.get("EnableManagedSpotTraining") else 1
            self._enter(
                secondary,
                _MESSAGES[secondary],
                at=now,
                TrainingJobStatus=_STATUS[secondary],
                TrainingEndTime=now,
                # Billing is by the second, a begun one counting whole.
                TrainingTimeInSeconds=math.ceil(self._seconds),
                BillableTimeInSeconds=math.ceil(self._seconds * share),
                **members,
            )

    def _count(self, now: datetime) -> None:
        if self._started:
            self._seconds += (now - self._started).total_seconds()
            self._started = None

    def _enter(self, secondary: str, message: str, *, at: datetime | None = None, **members: Any) -> None:
        now = at or datetime.now(UTC)
        if self._transitions:
            self._transitions[-1] = {**self._transitions[-1], "EndTime": now}
        transition: dict[str, Any] = {"Status": secondary, "StartTime": now, "StatusMessage": message}
        if self.ended:
            transition["EndTime"] = now
        self._transitions = [*self._transitions, transition]
        self._store.update(
            self._record,
            SecondaryStatus=secondary,
            SecondaryStatusTransitions=self._transitions,
            **members,
        )
