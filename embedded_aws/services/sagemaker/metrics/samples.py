"""Samples of any metric, added up in memory by the minute."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from embedded_aws.services.sagemaker.metrics.datum import MetricDatum
from embedded_aws.services.sagemaker.metrics.times import Times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.services.sagemaker.metrics.datum import MetricSource

MICROSECONDS, MILLISECONDS = "Microseconds", "Milliseconds"
_A_SECOND = {MICROSECONDS: 1_000_000, MILLISECONDS: 1_000}


class Samples:
    """What was seen of metrics since the last `take`. Thread-safe. `minute` is how many seconds one lasts."""

    def __init__(self) -> None:
        self.minute = 60.0
        self._lock = threading.Lock()
        self._values: dict[tuple[MetricSource, str, str, int], dict[float, float]] = defaultdict(
            lambda: defaultdict(float)
        )
        self._times: dict[tuple[MetricSource, str, str, int], Times] = defaultdict(Times)

    def add(self, source: MetricSource, name: str, value: float, unit: str = "Count") -> None:
        """Count a value."""
        key = (source, name, unit, int(time.time() // self.minute))
        with self._lock:
            self._values[key][value] += 1

    def add_time(self, source: MetricSource, name: str, seconds: float, unit: str = MICROSECONDS) -> None:
        """Count a time, which is published in that unit."""
        key = (source, name, unit, int(time.time() // self.minute))
        with self._lock:
            self._times[key].add(seconds * _A_SECOND[unit])

    def take(self) -> Iterator[MetricDatum]:
        """Yield what was counted since the last time."""
        with self._lock:
            values, times = dict(self._values), dict(self._times)
            self._values.clear()
            self._times.clear()
        for key, counts in [*values.items(), *((key, each.values()) for key, each in times.items())]:
            source, name, unit, minute = key
            at = min(time.time(), (minute + 0.99) * self.minute)
            yield MetricDatum(source=source, name=name, unit=unit, values=counts, time=at)
