"""The objects of a labeling job that workers have before them: who is at work on which, and what is still to do.

An object is given to as many workers as the job wants answers of; who has accepted one has TaskTimeLimitInSeconds for
it, and gets the same again until then. It is over once all have answered, or TaskAvailabilityLifetimeInSeconds after it
began (botocore's model of HumanTaskConfig). Who releases one lets others work on it, "if enough workers pick up the
task, you may not be able to return to it" (guide, "Release, Stop and Resume, and Decline Tasks" of 3D point clouds).
Not compared with AWS: in which order a worker gets them (here the manifest's, what they have released after the rest).
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.services.sagemaker.labeling.activity import WorkerActivity
    from embedded_aws.services.sagemaker.labeling.answers import Answers
    from embedded_aws.services.sagemaker.labeling.assignments import Assignment, Assignments
    from embedded_aws.services.sagemaker.labeling.worker import Worker


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many answers an object needs, and how many seconds a worker has for one and all have together."""

    workers: int
    task_seconds: float
    batch_seconds: float


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A task that a worker is at work on: the object's number in the manifest, its input, and since when."""

    number: int
    input: Any
    since: str


@dataclass(frozen=True, kw_only=True)
class BatchProgress:
    """How far one worker is, and all of them: what they have answered in this job; the rest is of this batch."""

    mine: int
    left: int
    done: int
    photos: int

    def document(self) -> dict[str, int]:
        """Return it for the page."""
        return asdict(self)


class Batch:
    """The objects that workers have before them at one time."""

    def __init__(
        self,
        job: str,
        tasks: Mapping[int, Any],
        limits: Limits,
        kept: tuple[Answers, Assignments],
        activity: WorkerActivity,
    ) -> None:
        """Begin with the tasks' inputs, by their numbers."""
        self._job, self._tasks, self._limits, self._activity = job, tasks, limits, activity
        self._answers, self._assignments = kept
        self._released: dict[tuple[str, int], int] = {}  # by worker and object, in their order
        self._releases = itertools.count(1)
        self._changed = threading.Condition()
        self._ends = time.monotonic() + limits.batch_seconds
        self._closed = False

    def accept(self, worker: Worker) -> Accepted | None:
        """Return the task that a worker is at work on, or the next one for them; None if there is none.

        Raises StateError.
        """
        with self._changed:
            if self._over(time.monotonic()):
                return None
            free = []
            for number in self._tasks:
                assigned, given = self._assignments.of(self._job, number), self._answers.of(self._job, number)
                if worker.id in given:
                    continue
                if worker.id in assigned:
                    return self._accepted(number, assigned[worker.id])
                if len(given.keys() | assigned.keys()) < self._limits.workers:
                    free.append(number)
            if not free:
                return None
            number = min(free, key=lambda each: self._released.get((worker.id, each), 0))
            assignment = self._assignments.begin(self._job, number, worker.id, self._limits.task_seconds)
            self._activity.accepted(worker)
            return self._accepted(number, assignment)

    def release(self, worker: Worker, number: int, since: str) -> bool:
        """Let others have a task; return False if the worker has not got it, or not since then: it was released before.

        Its worker gets it again after all others. Raises StateError.
        """
        with self._changed:
            assignment = self._assignments.of(self._job, number).get(worker.id)
            if assignment is None or _time(assignment.accepted) != since or self._over(time.monotonic()):
                return False
            self._assignments.end(self._job, number, worker.id)
            self._released[worker.id, number] = next(self._releases)
            self._activity.returned(worker, accepted=assignment.accepted, returned=datetime.now(UTC))
            return True

    def submit(self, worker: Worker, number: int, content: Mapping[str, Any]) -> bool:
        """Take an answer; return False if it was taken before. Raises LookupError if the task is not the worker's."""
        with self._changed:
            if worker.id in self._answers.of(self._job, number):
                return False
            assignment = self._assignments.of(self._job, number).get(worker.id)
            if assignment is None or number not in self._tasks or self._over(time.monotonic()):
                raise LookupError(number)
            accepted, submitted = assignment.accepted, datetime.now(UTC)
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
            self._assignments.end(self._job, number, worker.id)
            self._changed.notify_all()
            return added

    def pending(self) -> int:
        """Return how many objects still need answers."""
        return sum(not self._is_done(number) for number in self._tasks)

    def progress(self, worker: Worker) -> BatchProgress:
        """Return how far a worker is."""
        done = [self._is_done(number) for number in self._tasks]
        theirs = [worker.id in self._answers.of(self._job, number) for number in self._tasks]
        return BatchProgress(
            mine=self._answers.count(self._job, worker.id),
            left=sum(not is_done and not is_theirs for is_done, is_theirs in zip(done, theirs, strict=True)),
            done=sum(done),
            photos=len(done),
        )

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

    def _accepted(self, number: int, assignment: Assignment) -> Accepted:
        return Accepted(number=number, input=self._tasks[number], since=_time(assignment.accepted))

    def _over(self, now: float) -> bool:
        return self._closed or now >= self._ends


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
