"""How much of this machine, which is the instance, its containers use: processor, memory, disk.

Names and units: SageMaker's guide, "Amazon SageMaker AI metrics in Amazon CloudWatch": CPUUtilization is the sum over
all processors, 400 % on four, and a transform job has no DiskUtilization. Not compared with AWS: what a minute's value
is made of (here the processor's is the mean, memory and disk the last); that a container which ends within a
minute still leaves what it used. A serverless container has MemoryUtilization only (the guide's "Alarms and logs for
tracking metrics from serverless endpoints"), here of the memory that it was given. An instance's value is the sum of
its containers'; those of a model whose containers are invoked directly have the first two each, too ("Metrics for
multi-container endpoints with direct invocation").
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from embedded_aws.services.sagemaker.metrics.datum import MetricDatum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from embedded_aws.runtime.process import Process
    from embedded_aws.services.sagemaker.metrics.datum import MetricSource

_OF_CONTAINERS = ("CPUUtilization", "MemoryUtilization")
_SHARE = 0.005  # of the time, that measuring memory and disk may take


@dataclass(eq=False)
class _Instance:
    source: MetricSource
    process: Process
    folder: Path | None  # whose size is the disk's part; None: it is not measured
    memory_limit: int | None  # whose part the memory is, and all that is told; None: the machine's
    began: float
    name: object  # of those with the same source and name, what they use is added up
    container: MetricSource | None  # whose processor and memory are told beside the instance's
    busy: float = 0.0  # processor seconds until the last measurement
    measured: float = 0.0  # when that was
    seconds: float = 0.0  # of the clock, since the last values were taken
    worked: float = 0.0  # processor seconds, since then
    memory: float | None = None
    disk: float | None = None

    def values(self) -> dict[str, float]:
        """Return what was measured since the last time, in per cent; nothing if nothing was."""
        if not self.seconds:
            return {}
        found = {} if self.memory_limit else {"CPUUtilization": 100 * self.worked / self.seconds}
        if self.memory is not None:
            found["MemoryUtilization"] = self.memory
        if self.disk is not None:
            found["DiskUtilization"] = self.disk
        self.seconds = self.worked = 0.0
        return found


class Instances:
    """Measures all running containers; `measure` and `take` are for one thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: list[_Instance] = []
        self._ended: list[_Instance] = []
        self._thorough_at = 0.0

    def watch(
        self,
        source: MetricSource,
        process: Process,
        folder: Path | None,
        *,
        memory_limit: int | None = None,
        instance: str = "",
        container: MetricSource | None = None,
    ) -> None:
        """Measure what a process with all that it starts uses, and how large a folder is, until it ends.

        With `memory_limit` its part of that is all that is told. What several use of one `instance` is added up;
        `container` is the source of this one's own.
        """
        now = time.monotonic()
        name = instance or process
        with self._lock:
            self._watched.append(
                _Instance(
                    source, process, folder, memory_limit, began=now, name=name, container=container, measured=now
                )
            )

    def measure(self) -> None:
        """Measure all of them."""
        with self._lock:
            ended = [instance for instance in self._watched if not instance.process.running]
            self._watched = [instance for instance in self._watched if instance not in ended]
            self._ended += ended
            watched = list(self._watched)
        if not watched:
            return
        families = [[*instance.process.family()] for instance in watched]
        now = time.monotonic()
        thorough, worked = now >= self._thorough_at, time.thread_time()
        for instance, family in zip(watched, families, strict=True):
            busy = sum(map(_busy, family))
            instance.worked += max(busy - instance.busy, 0.0)
            instance.seconds += now - instance.measured
            instance.busy, instance.measured = busy, now
            if thorough or not instance.memory:  # a job may be over before its turn comes, or had no process yet
                most = instance.memory_limit or psutil.virtual_memory().total
                instance.memory = 100 * sum(map(_memory, family)) / most
                instance.disk = _disk(instance.folder) if instance.folder and not instance.memory_limit else None
        if thorough:
            cost = time.thread_time() - worked
            self._thorough_at = now + cost / _SHARE

    def take(self) -> Iterator[MetricDatum]:
        """Yield what was measured since the last time, also of containers that have ended since then."""
        with self._lock:
            instances, self._ended = [*self._watched, *self._ended], []
        total: dict[tuple[MetricSource, object, str], float] = {}
        for instance in instances:
            for name, value in instance.values().items():
                key = (instance.source, instance.name, name)
                total[key] = total.get(key, 0.0) + value
                if instance.container and name in _OF_CONTAINERS:
                    yield _datum(instance.container, name, value)
        for (source, _, name), value in total.items():
            yield _datum(source, name, value)


def memory_of(process: Process) -> int:
    """Return the bytes of memory that a process has with all that it has started."""
    return sum(map(_memory, process.family()))


def _datum(source: MetricSource, name: str, value: float) -> MetricDatum:
    return MetricDatum(source=source, name=name, unit="Percent", values={value: 1.0}, time=time.time())


def _busy(process: psutil.Process) -> float:
    """Return the processor seconds that a process has used, with those of its children that have ended."""
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def _memory(process: psutil.Process) -> int:
    """Return a process's bytes of memory; shared memory counts in parts where the system tells."""
    with suppress(psutil.Error):
        held = process.memory_full_info()
        return int(getattr(held, "pss", held.rss))
    with suppress(psutil.Error):
        return int(process.memory_info().rss)  # all that is told of another user's
    return 0


def _disk(folder: Path) -> float | None:
    with suppress(OSError):
        return 100 * _size(folder) / shutil.disk_usage(folder).total
    return None


def _size(folder: Path | str) -> int:
    """Return the bytes below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += _size(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total
