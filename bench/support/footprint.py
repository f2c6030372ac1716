"""What processes hold while something runs: their memory and open file descriptors, looked at every so often."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_WARM = 0.25  # share of the time in which caches and pools fill
_WINDOW = 0.15  # share of the time that stands for the start, and for the end
_GROWTH, _MEGABYTES, _DESCRIPTORS = 0.05, 8.0, 4


@dataclass(frozen=True)
class Held:
    """What was held after warming up and at the end, while little was under way; how much more is still flat."""

    start: float
    end: float
    allowed: float

    @property
    def flat(self) -> bool:
        """Whether it did not grow."""
        return self.end - self.start <= self.allowed


@dataclass
class Curve:
    """What some processes held together, by the seconds since the start."""

    megabytes: dict[float, float] = field(default_factory=dict)
    descriptors: dict[float, float] = field(default_factory=dict)

    @property
    def held(self) -> dict[str, Held]:
        """Return what was held by name: memory may grow by 5 % or 8 MB, descriptors by 4."""
        memory, end = _ends(self.megabytes)
        allowed = max(_GROWTH * memory, _MEGABYTES)
        return {"MB": Held(memory, end, allowed), "file descriptors": Held(*_ends(self.descriptors), _DESCRIPTORS)}


def _ends(values: Mapping[float, float]) -> tuple[float, float]:
    """Return the first deciles of the two windows: requests come and go on top of what stays."""
    last = max(values)
    windows = ((_WARM, _WARM + _WINDOW), (1 - _WINDOW, 1))
    start, end = (
        statistics.quantiles([v for t, v in values.items() if first * last <= t <= final * last], n=10)[0]
        for first, final in windows
    )
    return start, end


class Footprint:
    """Looks at groups of processes while its block runs. Raises psutil.NoSuchProcess at its end if one was gone."""

    def __init__(self, groups: Mapping[str, Sequence[psutil.Process]], *, every: float) -> None:
        self.curves = {name: Curve() for name in groups}
        self._groups, self._every = groups, every
        self._over = threading.Event()
        self._lost: psutil.Error | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._lost and error is None:
            raise self._lost

    def _watch(self) -> None:
        began = time.monotonic()
        try:
            while not self._over.wait(self._every):
                for name, processes in self._groups.items():
                    curve, now = self.curves[name], time.monotonic() - began
                    curve.megabytes[now] = sum(each.memory_info().rss for each in processes) / 1e6
                    curve.descriptors[now] = sum(each.num_fds() for each in processes)
        except psutil.Error as error:
            self._lost = error
