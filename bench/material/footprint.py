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
_WINDOW = 0.15  # share of the time whose median is what there is at the start, and at the end
_GROWTH, _MEGABYTES, _DESCRIPTORS = 0.05, 8.0, 4


@dataclass
class Curve:
    """What some processes held together, by the seconds since the start."""

    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)

    def ends(self, values: Sequence[float]) -> tuple[float, float]:
        """The medians after warming up, and at the end."""
        last = self.seconds[-1]
        return self._median(values, _WARM * last, (_WARM + _WINDOW) * last), self._median(
            values, (1 - _WINDOW) * last, last
        )

    @property
    def flat(self) -> bool:
        """Whether neither grew: memory by less than 5 % or 8 MB, descriptors by no more than 4."""
        memory, at_end = self.ends(self.megabytes)
        opened, still = self.ends(self.descriptors)
        return at_end - memory <= max(_GROWTH * memory, _MEGABYTES) and still - opened <= _DESCRIPTORS

    def _median(self, values: Sequence[float], first: float, last: float) -> float:
        return statistics.median(v for t, v in zip(self.seconds, values, strict=True) if first <= t <= last)


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
                    curve = self.curves[name]
                    curve.seconds.append(time.monotonic() - began)
                    curve.megabytes.append(sum(each.memory_info().rss for each in processes) / 1e6)
                    curve.descriptors.append(sum(each.num_fds() for each in processes))
        except psutil.Error as error:
            self._lost = error
