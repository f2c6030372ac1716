"""What workers have answered and what became of each data object: kept before anybody is told that it was taken.

A worker's answer about an object is taken once, and so many of them as the job wants: the database's keys see to it.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedded_aws.database import Database

Answer = dict[str, Any]
_TABLES = (
    """CREATE TABLE IF NOT EXISTS labeling_answers (job TEXT NOT NULL, object INTEGER NOT NULL, worker TEXT NOT NULL,
    answer TEXT NOT NULL, PRIMARY KEY (job, object, worker))""",
    """CREATE TABLE IF NOT EXISTS labeling_outcomes (job TEXT NOT NULL, object INTEGER NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (job, object))""",
)


class Answers:
    """The answers of all jobs, by ARN; thread-safe. Without a database they end with it."""

    def __init__(self, database: Database | None) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._answers: dict[str, dict[int, dict[str, Answer]]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()  # by job and worker
        self._outcomes: dict[str, dict[int, Answer]] = {}
        if database:
            for table in _TABLES:
                database.create(table)
            query = "SELECT job, object, worker, answer FROM labeling_answers ORDER BY rowid"
            for job, number, worker, answer in database.rows(query):
                self._answers.setdefault(job, {}).setdefault(number, {})[worker] = json.loads(answer)
                self._counts[job, worker] += 1
            for job, number, outcome in database.rows("SELECT job, object, outcome FROM labeling_outcomes"):
                self._outcomes.setdefault(job, {})[number] = json.loads(outcome)

    def of(self, job: str, number: int) -> dict[str, Answer]:
        """Return an object's answers, by worker, in the order in which they came."""
        with self._lock:
            return dict(self._answers.get(job, {}).get(number, {}))

    def add(self, job: str, number: int, worker: str, answer: Answer) -> bool:
        """Keep an answer; return False if that worker has given one already. Raises StateError."""
        with self._lock:
            answers = self._answers.setdefault(job, {}).setdefault(number, {})
            if worker in answers:
                return False
            if self._database:
                with self._database.transaction() as connection:
                    kept = (job, number, worker, json.dumps(answer))
                    connection.execute("INSERT INTO labeling_answers VALUES (?, ?, ?, ?)", kept)
            answers[worker] = answer
            self._counts[job, worker] += 1
            return True

    def count(self, job: str, worker: str) -> int:
        """Return how many objects of a job a worker has answered."""
        with self._lock:
            return self._counts[job, worker]

    def outcomes(self, job: str) -> dict[int, Answer]:
        """Return what the output manifest adds to each object that is through; nothing where labeling failed."""
        with self._lock:
            return dict(self._outcomes.get(job, {}))

    def settle(self, job: str, outcomes: dict[int, Answer]) -> None:
        """Keep what became of objects. Raises StateError."""
        with self._lock:
            if self._database:
                with self._database.transaction() as connection:
                    rows = [(job, number, json.dumps(outcome)) for number, outcome in outcomes.items()]
                    connection.executemany("INSERT OR REPLACE INTO labeling_outcomes VALUES (?, ?, ?)", rows)
            self._outcomes.setdefault(job, {}).update(outcomes)

    def forget(self, job: str) -> None:
        """Forget a job."""
        with self._lock:
            if self._database:
                with self._database.transaction() as connection:
                    connection.execute("DELETE FROM labeling_answers WHERE job = ?", (job,))
                    connection.execute("DELETE FROM labeling_outcomes WHERE job = ?", (job,))
            self._answers.pop(job, None)
            self._counts = Counter({key: count for key, count in self._counts.items() if key[0] != job})
            self._outcomes.pop(job, None)
