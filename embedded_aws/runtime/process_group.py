"""The containers of one job at work, one a host: they end together."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedded_aws.runtime.deadline import deadline
from embedded_aws.runtime.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.warm_host import WarmHost


@dataclass(frozen=True, kw_only=True)
class Host:
    """What one host runs, in which folder; `follow` reads its output's lines until there are no more.

    `waiting` was started with that command in that folder already.
    """

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    folder: Path
    follow: Callable[[Iterator[str]], None]
    waiting: WarmHost | None = None

    def start(self) -> Process:
        """Start it."""
        if self.waiting:
            return self.waiting.begin(self.environment)
        return Process(self.command, environment=self.environment, folder=self.folder)


@dataclass(frozen=True)
class Failure:
    """The host that failed first, and its exit status."""

    host: str
    status: int


class Crew:
    """The hosts' processes: when one fails, or all are told to stop, none goes on."""

    def __init__(self, watch: Callable[[Host, Process], object] = lambda _host, _process: None) -> None:
        """`watch` is told of every process that runs."""
        self._watch = watch
        self._lock = threading.Lock()
        self._processes: list[Process] = []
        self._told = False
        self._failure: Failure | None = None
        self._fault: Exception | None = None

    def work(self, hosts: Sequence[Host], *, seconds: float, late: Callable[[], object]) -> Failure | None:
        """Run them to their end; `late` is called once they have run for that long.

        Returns the first failure. One that was told to stop before it began runs nothing.
        """
        with self._lock:
            if self._told:
                return None
            self._processes = [host.start() for host in hosts]
        for host, process in zip(hosts, self._processes, strict=True):
            self._watch(host, process)
        try:
            with deadline(seconds, late):
                self._follow_all(hosts)
        finally:
            self._kill_all()
        if self._fault:
            raise self._fault
        return self._failure

    def stop(self, *, grace: float) -> None:
        """SIGTERM to all of them now, SIGKILL after `grace` seconds. Returns at once."""
        with self._lock:
            self._told = True
            for process in self._processes:
                process.terminate(grace=grace)

    def kill(self) -> None:
        """End all of them at once."""
        with self._lock:
            self._told = True
        self._kill_all()

    def _follow_all(self, hosts: Sequence[Host]) -> None:
        # Threads of a pool would hold up the gateway's end until each has given up writing its log to it.
        threads = [
            threading.Thread(target=self._follow, args=each, name=f"follow {each[0].name}", daemon=True)
            for each in zip(hosts, self._processes, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _follow(self, host: Host, process: Process) -> None:
        try:
            host.follow(self._lines(host, process))
        except Exception as fault:  # noqa: BLE001 - it is raised where the job is waited for
            self._fault = fault
            self._kill_all()

    def _lines(self, host: Host, process: Process) -> Iterator[str]:
        """The process's lines; how it ended is noted at once, not when the log has been written."""
        yield from process.lines()
        status = process.wait()
        with self._lock:
            if not status or self._failure:
                return
            self._failure = Failure(host.name, status)
        if not self._told:  # else the others have the time to save that they were given
            self._kill_all()

    def _kill_all(self) -> None:
        for process in self._processes:
            process.kill()
