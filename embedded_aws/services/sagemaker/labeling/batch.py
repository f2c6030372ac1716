"""The objects of a labeling job that workers have before them: who is at work on which, and what is still to do.

An object is given to as many workers as the job wants answers of; who has accepted one has TaskTimeLimitInSeconds for
it, and gets the same again until then. It is over once all have answered, or TaskAvailabilityLifetimeInSeconds after it
began (botocore's model of HumanTaskConfig). Not compared with AWS: in which order a worker gets them (here the
manifest's, what others have begun first).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.services.sagemaker.labeling.activity import WorkerActivity
    from embedded_aws.services.sagemaker.labeling.answers import Answers
    from embedded_aws.services.sagemaker.labeling.worker import Worker


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many answers an object needs, and how many seconds a worker has for one and all have together."""

    workers: int
    task_seconds: float
    batch_seconds: float


@dataclass
class _Assignment:
    accepted: datetime
    ends: float  # on the monotonic clock


@dataclass
class Task:
    """An object before workers: its number in the manifest, its input, and who is at work on it."""

    number: int
    input: Any
    assignments: dict[str, _Assignment] = field(default_factory=dict)


class Batch:
    """The objects that workers have before them at one time."""

    def __init__(
        self, job: str, tasks: Mapping[int, Any], limits: Limits, answers: Answers, activity: WorkerActivity
    ) -> None:
        self._job, self._limits, self._answers, self._activity = job, limits, answers, activity
        self._tasks = {number: Task(number, task_input) for number, task_input in tasks.items()}
        self._changed = threading.Condition()
        self._ends = time.monotonic() + limits.batch_seconds
        self._closed = False

    def accept(self, worker: Worker) -> Task | None:
        """Return the task that a worker is at work on, or the next one for them; None if there is none."""
        with self._changed:
            now = time.monotonic()
            if self._over(now):
                return None
            free = None
            for task in self._tasks.values():
                self._expire(task, now)
                if worker.id in task.assignments:
                    return task
                given = self._answers.of(self._job, task.number)
                if (
                    free is None
                    and worker.id not in given
                    and len(given) + len(task.assignments) < self._limits.workers
                ):
                    free = task
            if free:
                ends = now + self._limits.task_seconds
                free.assignments[worker.id] = _Assignment(datetime.now(UTC), ends)
                self._activity.accepted(worker)
            return free

    def submit(self, worker: Worker, number: int, content: Mapping[str, Any]) -> bool:
        """Take an answer; return False if it was taken before. Raises LookupError if the task is not the worker's."""
        with self._changed:
            task = self._tasks.get(number)
            if task and worker.id in self._answers.of(self._job, number):
                return False
            now = time.monotonic()
            if task is None or self._over(now):
                raise LookupError(number)
            self._expire(task, now)
            if worker.id not in task.assignments:
                raise LookupError(number)
            accepted, submitted = task.assignments[worker.id].accepted, datetime.now(UTC)
            answer = {
                "acceptanceTime": _time(accepted),
                "answerContent": dict(content),
                "submissionTime": _time(submitted),
                "timeSpentInSeconds": round((submitted - accepted).total_seconds(), 3),
                "workerId": worker.id,
                "workerMetadata": worker.metadata,
            }
            if added := self._answers.add(self._job, number, worker.id, answer):
                self._activity.submitted(worker, answer)
            del task.assignments[worker.id]
            self._changed.notify_all()
            return added

    def pending(self) -> int:
        """Return how many objects still need answers."""
        return sum(not self._is_done(number) for number in self._tasks)

    def finished(self) -> Iterator[int]:
        """Yield each object as it has all its answers, until all have, the time is over, or `close`."""
        left = dict.fromkeys(self._tasks)
        while left:
            with self._changed:
                done = [number for number in left if self._is_done(number)]
                if not done:
                    now = time.monotonic()
                    if self._over(now):
                        return
                    self._changed.wait(self._ends - now)
                    continue
            for number in done:
                del left[number]
                yield number

    def close(self) -> None:
        """Take no more answers."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_done(self, number: int) -> bool:
        return len(self._answers.of(self._job, number)) >= self._limits.workers

    def _over(self, now: float) -> bool:
        return self._closed or now >= self._ends

    @staticmethod
    def _expire(task: Task, now: float) -> None:
        for worker in [worker for worker, assignment in task.assignments.items() if assignment.ends <= now]:
            del task.assignments[worker]


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
