"""The processes of an embedded AWS: how one is started whole, whose port it is, what a dead one left, how all end."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_CLOCK_SECONDS = 5  # by which a process's start may seem to move when the machine's clock is set
_KILL_SECONDS = 30  # until a killed one is gone
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OWN = ("TMPDIR", "HOME", "SAGEMAKER_BASE_DIR")  # what places a program in the folder of its gateway
_SANDBOX = "bwrap"  # which names the folder in its command; what runs in it ends with it, and knows only its own paths


@contextlib.contextmanager
def signals_wait() -> Iterator[None]:
    """Let what asks this process to end wait until the block is through. Only the main thread hears signals."""
    heard: list[int] = []

    def hear(number: int, _: FrameType | None) -> None:
        heard.append(number)

    handlers = ((ending, signal.getsignal(ending)) for ending in _ENDING)
    main = threading.current_thread() is threading.main_thread()
    before = {ending: handler for ending, handler in handlers if main and handler not in (signal.SIG_IGN, None)}
    for ending in before:
        signal.signal(ending, hear)
    try:
        yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)
        for number in heard[:1]:
            signal.raise_signal(number)


def created(pid: int) -> float:
    """Return when a process was started, in seconds since the epoch."""
    return float(psutil.Process(pid).create_time())


def runs(pid: int, created: float) -> bool:
    """Tell whether the process that was created then still runs; another one may have its number by now."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < _CLOCK_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def listens(pid: int, port: int) -> bool:
    """Tell whether it is this very process that has the port."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)


def listener(port: int) -> str:
    """Return who listens on a port, for people: `another program (python3, process 12)`, as far as it can be seen."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if listens(process.pid, port):
                return f"another program ({process.name()}, process {process.pid})"
    return "another program"


def working_in(state: Path) -> Iterator[psutil.Process]:
    """Yield the processes whose environment or sandbox places them in a state folder: an embedded AWS began them."""
    folder = state.resolve()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            places = [environment[name] for name in _OWN if name in environment]
            if any(Path(place).is_relative_to(folder) for place in [*places, *_mounted(process)]):
                yield process


def _mounted(process: psutil.Process) -> list[str]:
    return [word for word in process.cmdline() if word.startswith("/")] if process.name() == _SANDBOX else []


def kill(processes: list[psutil.Process]) -> None:
    """Kill them, and return once they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _left_after(_KILL_SECONDS, processes)


def end(pid: int, grace: float) -> None:
    """End a process with all that it started; what has not ended after so many seconds is killed."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        process.terminate()
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()  # one that somebody has stopped hears nothing
        kill(_left_after(grace, family))


def _left_after(seconds: float, processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that have not ended within so many seconds.

    One whose parent has not heard of its end yet has ended, once none of its threads is left, which hold its files.
    """
    deadline = time.monotonic() + seconds
    while True:
        _, running = psutil.wait_procs(processes, timeout=0)
        processes = [each for each in running if not _has_ended(each)]
        if not processes or time.monotonic() > deadline:
            return processes
        time.sleep(0.05)


def _has_ended(process: psutil.Process) -> bool:
    try:
        # Its first thread is counted for as long as it is a zombie.
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    except psutil.NoSuchProcess:
        return True
