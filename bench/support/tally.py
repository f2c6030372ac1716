"""What was asked and how it was answered: how often each answer was given to what, how long it took, and the faults."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import NamedTuple

_MOST_FAULTS = 1000  # of which the words are kept


class Answer(NamedTuple):
    """One answer: when it was there, in seconds since the start, and how many it took."""

    at: float
    seconds: float


class Tally:
    """Counts from any thread."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str, str]] = Counter()
        self.faults: Counter[str] = Counter()
        self.times: list[Answer] = []
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def add(self, service: str, kind: str, answer: str, *, seconds: float, fault: str = "") -> None:
        """Count an answer; `kind` is "right", "wrong" or "broken", `fault` what is wrong with the answer."""
        with self._lock:
            self.answers[service, kind, answer] += 1
            self.times.append(Answer(time.monotonic() - self._began, seconds))
            if fault and (fault in self.faults or len(self.faults) < _MOST_FAULTS):
                self.faults[fault] += 1

    def window(self, begin: float, end: float) -> tuple[float, float]:
        """Return the requests a second between two times, and the 99th percentile of how long they took."""
        with self._lock:
            taken = sorted(each.seconds for each in self.times if begin <= each.at < end)
        return len(taken) / (end - begin), taken[len(taken) * 99 // 100] if taken else 0.0
