"""The processes of one job, one a host: they end together."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from embedded_aws.runtime.process import Process

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path


class PreparedProcess(Protocol):
    """A command that was started ahead of its job, and waits for the job's environment."""

    def begin(self, environment: Mapping[str, str]) -> Process:
        """Let it go on in this environment."""


@dataclass(frozen=True, kw_only=True)
class HostCommand:
    """What one host runs, in which folder; `follow` reads its output's lines until there are no more.

    `memory` is how many bytes it may have. `prepared` was started with that command in that folder already. The command
    inherits the socket `channel`. `launch` starts it.
    """

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    folder: Path
    follow: Callable[[Iterator[str]], None]
    memory: int
    prepared: PreparedProcess | None = None
    channel: socket.socket | None = None
    launch: Callable[..., Process] = Process

    def start(self) -> Process:
        """Start it."""
        if self.prepared:
            return self.prepared.begin(self.environment)
        try:
            return self.launch(
                self.command, environment=self.environment, folder=self.folder, listen=self.channel, memory=self.memory
            )
        finally:
            if self.channel:
                self.channel.close()  # so that the other end hears when all of it has ended


@dataclass(frozen=True)
class HostFailure:
    """The host that failed first, its exit status, and whether it had more memory than it may."""

    host: str
    status: int
    out_of_memory: bool = False


class ProcessGroup:
    """The hosts' processes: when one fails, or all are told to stop, none goes on."""

    def __init__(self, watch: Callable[[HostCommand, Process], object] = lambda _host, _process: None) -> None:
        """Run nothing yet; `watch` is called with every process that runs."""
        self._watch = watch
        self._lock = threading.Lock()
        self._processes: list[Process] = []
        self._stopping = False
        self._failure: HostFailure | None = None
        self._error: Exception | None = None

    def run(
        self, hosts: Sequence[HostCommand], *, seconds: float, on_timeout: Callable[[], object]
    ) -> HostFailure | None:
        """Run them to their end and return the first failure; call `on_timeout` once they have run for `seconds`.

        A group that was told to stop before it began runs nothing.
        """
        with self._lock:
            if self._stopping:
                return None
            self._start_all(hosts)
        for host, process in zip(hosts, self._processes, strict=True):
            self._watch(host, process)
        try:
            with time_limit(seconds, on_timeout):
                self._follow_all(hosts)
        finally:
            self._kill_all()
        if self._error:
            raise self._error
        return self._failure

    def stop(self, *, grace: float) -> None:
        """Send SIGTERM to all of them now, SIGKILL after `grace` seconds. Return at once."""
        with self._lock:
            self._stopping = True
            for process in self._processes:
                process.terminate(grace=grace)

    def kill(self) -> None:
        """End all of them at once."""
        with self._lock:
            self._stopping = True
        self._kill_all()

    def _start_all(self, hosts: Sequence[HostCommand]) -> None:
        try:
            for host in hosts:
                self._processes.append(host.start())
        except BaseException:
            self._kill_all()
            raise

    def _follow_all(self, hosts: Sequence[HostCommand]) -> None:
        # Threads of a pool would hold up the gateway's end until each has given up writing its log to it.
        threads = [
            threading.Thread(target=self._follow, args=each, name=f"follow {each[0].name}", daemon=True)
            for each in zip(hosts, self._processes, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _follow(self, host: HostCommand, process: Process) -> None:
        try:
            host.follow(self._lines(host, process))
        except Exception as error:  # noqa: BLE001 - it is raised where the job is waited for
            self._error = error
            self._kill_all()

    def _lines(self, host: HostCommand, process: Process) -> Iterator[str]:
        """Yield the process's lines; note how it ended at once, not when the log has been written."""
        yield from process.lines()
        status = process.wait()
        with self._lock:
            if not status or self._failure:
                return
            self._failure = HostFailure(host.name, status, process.out_of_memory)
        if not self._stopping:  # else the others have the time to save that they were given
            self._kill_all()

    def _kill_all(self) -> None:
        for process in self._processes:
            process.kill()


@contextmanager
def time_limit(seconds: float | None, on_timeout: Callable[[], object]) -> Iterator[None]:
    """Call `on_timeout`, on a thread of its own, if the block takes longer; None: it may take as long as it takes."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, on_timeout)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
