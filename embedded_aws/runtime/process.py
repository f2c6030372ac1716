"""Child processes that end with the gateway, even if that is killed, and whose output is read line by line."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping, Sequence

_SUPERVISE = Path(__file__).with_name("launch") / "supervise.py"
_CHUNK = 65_536
_QUIET_SECONDS = 0.5
_KILLED = 128 + signal.SIGKILL


class Process:
    """A command with all that it starts, under `launch/supervise.py`."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folder: Path,
        listen: socket.socket | None = None,
        memory: int = 0,
    ) -> None:
        """Start it in `folder` with exactly this environment; it inherits the socket `listen` under its number.

        `memory` is how many bytes all of it may have; 0: as many as there are.
        """
        ours, self._orders = os.pipe()
        inherited = [ours] if listen is None else [ours, listen.fileno()]
        arguments = [str(ours), str(listen.fileno() if listen else -1), str(memory), *map(str, command)]
        try:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SUPERVISE), *arguments],
                env=dict(environment),
                cwd=folder,
                pass_fds=inherited,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            os.close(ours)
        self._lock = threading.Lock()
        self._open = True

    @property
    def pid(self) -> int:
        """Return the id of the process of which all of it descends."""
        return self._supervisor.pid

    @property
    def out_of_memory(self) -> bool:
        """Return whether it was killed because it had more memory than it may."""
        return self._supervisor.poll() == -signal.SIGUSR1

    @property
    def running(self) -> bool:
        """Return whether anything of it still runs."""
        return self._supervisor.poll() is None

    def family(self) -> Iterator[psutil.Process]:
        """Yield the process and all that it has started, as the kernel lists each thread's children: proc(5), children.

        psutil looks at all processes of the machine for that, which takes a hundred times as long; it does so where the
        kernel was built without the lists. One that ends meanwhile may hide another from this look.
        """
        with contextlib.suppress(psutil.Error):
            yield from _family(psutil.Process(self.pid))

    def lines(self) -> Iterator[str]:
        """Yield its output's lines as they come, until it ends. To be read by one thread, once."""
        assert self._supervisor.stdout is not None  # noqa: S101 - asked for above
        rest = b""
        with self._supervisor.stdout as output:
            # A process that got away (supervise.py says how) may hold the output open: the supervisor's end counts too.
            while self.running or _readable(output.fileno(), 0):
                if not _readable(output.fileno(), _QUIET_SECONDS):
                    continue
                chunk = os.read(output.fileno(), _CHUNK)
                if not chunk:
                    break
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line.decode(errors="replace").rstrip("\r")
        if rest:
            yield rest.decode(errors="replace")

    def wait(self, seconds: float | None = None) -> int:
        """Wait until all of it has ended; return its exit status, 128 + n after signal n. Raises TimeoutError."""
        try:
            status = self._supervisor.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"still running after {seconds} s") from None
        self._close()
        return _KILLED if self.out_of_memory else status

    def terminate(self, *, grace: float) -> None:
        """Send SIGTERM to all of it now, SIGKILL after `grace` seconds. Return at once."""
        self._order(b"t")
        timer = threading.Timer(grace, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """Send SIGKILL to all of it."""
        self._close()

    def _order(self, order: bytes) -> None:
        with self._lock:
            if self._open:
                with contextlib.suppress(BrokenPipeError):
                    os.write(self._orders, order)

    def _close(self) -> None:
        """Close the pipe, whose end is the order to kill."""
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._orders)


def _readable(descriptor: int, seconds: float) -> bool:
    # poll, not select: a gateway with many sockets has descriptors that select refuses.
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN | select.POLLHUP)
    return bool(waiting.poll(int(seconds * 1000)))


def _family(process: psutil.Process) -> Iterator[psutil.Process]:
    yield process
    threads = Path(f"/proc/{process.pid}/task")
    if not (threads / str(process.pid) / "children").exists():
        yield from process.children(recursive=True)
        return
    for thread in process.threads():
        with contextlib.suppress(OSError, psutil.Error):
            for child in (threads / str(thread.id) / "children").read_text().split():
                yield from _family(psutil.Process(int(child)))
