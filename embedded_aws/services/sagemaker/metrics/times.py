"""Times that are added up: those within five per cent of each other are one value with a count, their mean.

Sums and averages are exact, extremes and percentiles within that; a minute has at most a few hundred values.
"""

from __future__ import annotations

import math

_STEP = math.log(1.05)


class Times:
    """Times with their counts; nearly equal ones are one."""

    def __init__(self) -> None:
        self._near: dict[int, list[float]] = {}

    def add(self, value: float) -> None:
        """Count a time, in any unit of which one is very little."""
        step = int(math.log(max(value, 1.0)) / _STEP)
        near = self._near.get(step)
        if near is None:
            self._near[step] = [1, value]
        else:
            near[0] += 1
            near[1] += value

    def values(self) -> dict[float, float]:
        """Return the times with their counts."""
        return {total / count: count for count, total in self._near.values()}
