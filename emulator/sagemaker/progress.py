"""A training job's way through its states, as DescribeTrainingJob tells it."""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from emulator.sagemaker.trials import OBJECTIVE_VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.sagemaker.store import Record, Store

_STATUS = {"Completed": "Completed", "Failed": "Failed", "Stopped": "Stopped", "MaxRuntimeExceeded": "Stopped"}
_MESSAGES = {
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class Progress:
    """Keeps statuses, transitions, times and metrics of one job's record."""

    def __init__(self, store: Store, record: Record) -> None:
        """Record that the job is in progress."""
        self._store, self._record = store, record
        self._lock = threading.Lock()
        self._transitions: list[dict[str, Any]] = []
        self._started: datetime | None = None
        self.ended = False
        store.update(record, TrainingJobStatus="InProgress", SecondaryStatus="Starting")

    def enter(self, secondary: str, message: str) -> None:
        """Go over to a secondary status. A job that is stopping stays so until its end."""
        with self._lock:
            self._enter(secondary, message)

    def start(self) -> None:
        """The instances are there: the time that is billed begins."""
        self._started = datetime.now(UTC)
        self._store.update(self._record, TrainingStartTime=self._started)

    def stopping(self) -> None:
        """The job was told to stop."""
        with self._lock:
            self._enter("Stopping", "Stopping the training job", TrainingJobStatus="Stopping")

    def measured(self, final: list[dict[str, Any]]) -> None:
        """The metrics' latest values."""
        if final:
            self._store.update(self._record, FinalMetricDataList=final)

    def judged(self, values: Sequence[float]) -> None:
        """All values of a trial's objective so far; its tuning job looks at them while it runs."""
        if len(values) > len(self._record.members.get(OBJECTIVE_VALUES, ())):
            self._store.update(self._record, **{OBJECTIVE_VALUES: tuple(values)})

    def end(self, secondary: str, **members: Any) -> None:
        """Record how the job ended; `members` are further members of Describe's answer."""
        with self._lock:
            self.ended = True
            now = datetime.now(UTC)
            started = self._started or now
            # Billing is by the second, a begun one counting whole.
            seconds = math.ceil((now - started).total_seconds())
            self._enter(
                secondary,
                _MESSAGES[secondary],
                at=now,
                TrainingJobStatus=_STATUS[secondary],
                TrainingEndTime=now,
                TrainingTimeInSeconds=seconds,
                BillableTimeInSeconds=seconds,
                **members,
            )

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
