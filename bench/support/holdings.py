"""What an embedded AWS holds while something runs: memory, descriptors, threads, its folder and its database's file."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from bench.support import endpoint
from bench.support.footprint import Held
from bench.support.sampler import Sampler

if TYPE_CHECKING:
    from pathlib import Path

_WARM, _WINDOW = 0.25, 0.15  # shares of the time: until the start's window, and of each window
# What may be more at the end than at the start: a share of it, or this much if that is more.
BOUNDS = {
    "gateway, MB": (0.10, 24.0),
    "all, MB": (0.10, 200.0),
    "gateway, file descriptors": (0.0, 16.0),
    "gateway, threads": (0.0, 16.0),
    "state folder, MB": (0.10, 32.0),
    "database, MB": (0.10, 8.0),
    "database's log, MB": (0.0, 16.0),
}
_EVERY_SECONDS = 2.0


@dataclass(frozen=True)
class Measured:
    """What was held at the start (when warm), in the middle and at the end, and how much more is still bounded."""

    start: float
    middle: float
    end: float
    allowed: float

    @property
    def bounded(self) -> bool:
        """Whether it did not grow beyond its bound."""
        return Held(self.start, self.end, self.allowed).flat


class Holdings(Sampler):
    """Looks at the gateway and all that it runs, every few seconds while its block runs."""

    def __init__(self, pid: int, state: Path) -> None:
        self._gateway, self._state = psutil.Process(pid), state
        self._samples: dict[float, dict[str, float]] = {}
        self._worked: dict[float, float] = {}  # processor seconds of the gateway's until then
        self._began = time.monotonic()
        super().__init__(self._sample, every=_EVERY_SECONDS)

    @property
    def measured(self) -> dict[str, Measured]:
        """Return what was held by name: lowest deciles of a window, for calls and jobs come and go on top."""
        last = max(self._samples)
        found = {}
        for name, (share, least) in BOUNDS.items():
            start, middle, end = (
                _low(
                    [held[name] for at, held in self._samples.items() if begin * last <= at <= (begin + _WINDOW) * last]
                )
                for begin in windows()
            )
            found[name] = Measured(start, middle, end, max(share * start, least))
        return found

    @property
    def processor(self) -> list[float]:
        """Return the gateway's processor seconds a second at the start, in the middle and at the end."""
        last, found = max(self._worked), []
        for begin in windows():
            within = [at for at in sorted(self._worked) if begin * last <= at <= (begin + _WINDOW) * last]
            seconds = within[-1] - within[0]
            found.append((self._worked[within[-1]] - self._worked[within[0]]) / seconds if seconds else 0.0)
        return found

    def _sample(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            used, now = self._gateway.cpu_times(), time.monotonic() - self._began
            self._worked[now] = used.user + used.system
            self._samples[now] = self._look()

    def _look(self) -> dict[str, float]:
        own = endpoint.megabytes(self._gateway)
        others = 0.0
        for process in self._gateway.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                others += endpoint.megabytes(process)
        database = self._state / "state.db"
        return {
            "gateway, MB": own,
            "all, MB": own + others,
            "gateway, file descriptors": float(self._gateway.num_fds()),
            "gateway, threads": float(self._gateway.num_threads()),
            "state folder, MB": _folder(self._state) / 1e6,
            "database, MB": _size(database) / 1e6,
            "database's log, MB": _size(database.with_name("state.db-wal")) / 1e6,
        }


def windows() -> tuple[float, float, float]:
    """Return where the windows of start, middle and end begin, in shares of the time."""
    return _WARM, (_WARM + 1 - _WINDOW) / 2, 1 - _WINDOW


def _low(values: list[float]) -> float:
    return statistics.quantiles(values, n=10)[0] if len(values) > 1 else values[0]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _folder(folder: Path) -> int:
    """Return the bytes on disk of all that is in a folder; what is named twice counts once."""
    seen: dict[int, int] = {}
    for parent, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                found = os.lstat(os.path.join(parent, name))  # noqa: PTH118 - of many thousands of files
                seen[found.st_ino] = found.st_blocks * 512
    return sum(seen.values())
