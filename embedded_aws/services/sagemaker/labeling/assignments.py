"""Who is at work on which object, since when and until when: kept, so that an answer is taken that a kill has met.

The time that a worker has goes on while the embedded AWS is down.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedded_aws.database import Database

_TABLE = """CREATE TABLE IF NOT EXISTS labeling_assignments (job TEXT NOT NULL, object INTEGER NOT NULL,
worker TEXT NOT NULL, accepted TEXT NOT NULL, ends REAL NOT NULL, PRIMARY KEY (job, object, worker))"""


@dataclass(frozen=True)
class Assignment:
    """A worker's time with an object; it ends so many seconds after 1970."""

    accepted: datetime
    ends: float


class Assignments:
    """The assignments of all jobs, by ARN; thread-safe. Without a database they end with it."""

    def __init__(self, database: Database | None) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._found: dict[str, dict[int, dict[str, Assignment]]] = {}
        if database:
            database.create(_TABLE)
            query = "SELECT job, object, worker, accepted, ends FROM labeling_assignments"
            for job, number, worker, accepted, ends in database.rows(query):
                assignment = Assignment(datetime.fromisoformat(accepted), ends)
                self._found.setdefault(job, {}).setdefault(number, {})[worker] = assignment

    def of(self, job: str, number: int) -> dict[str, Assignment]:
        """Return who is at work on an object, and whose time is not over."""
        now = time.time()
        with self._lock:
            found = self._found.get(job, {}).get(number, {})
            return {worker: each for worker, each in found.items() if each.ends > now}

    def begin(self, job: str, number: int, worker: str, seconds: float) -> Assignment:
        """Give an object to a worker for so long. Raises StateError."""
        made = Assignment(datetime.now(UTC), time.time() + seconds)
        with self._lock:
            if self._database:
                with self._database.transaction() as connection:
                    kept = (job, number, worker, made.accepted.isoformat(), made.ends)
                    connection.execute("INSERT OR REPLACE INTO labeling_assignments VALUES (?, ?, ?, ?, ?)", kept)
            self._found.setdefault(job, {}).setdefault(number, {})[worker] = made
        return made

    def end(self, job: str, number: int, worker: str) -> None:
        """Take an object from a worker. Raises StateError."""
        with self._lock:
            if self._database:
                with self._database.transaction() as connection:
                    query = "DELETE FROM labeling_assignments WHERE job = ? AND object = ? AND worker = ?"
                    connection.execute(query, (job, number, worker))
            self._found.get(job, {}).get(number, {}).pop(worker, None)

    def forget(self, job: str) -> None:
        """Forget a job's. Raises StateError."""
        with self._lock:
            if self._database:
                with self._database.transaction() as connection:
                    connection.execute("DELETE FROM labeling_assignments WHERE job = ?", (job,))
            self._found.pop(job, None)
