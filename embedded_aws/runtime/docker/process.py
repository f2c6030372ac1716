"""A container of an engine as a process: its output, its end, and what is left of it then, which is nothing."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from typing import TYPE_CHECKING

import psutil

from embedded_aws.runtime.docker.engine import EngineError
from embedded_aws.runtime.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.docker.engine import Engine

_ROUND_SECONDS = 0.1
_CLOCK_SECONDS = 1  # by which a process's start may be off


class DockerProcess(Process):
    """A container that `docker run` stays with until it ends; the program's exit status is then the container's."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        options: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        ended: Callable[[], object],
    ) -> None:
        """Run it under a name; call `ended` once it is gone. `environment` is that of the engine's program."""
        self._engine, self._name, self._ended = engine, name, ended
        self._ending = threading.Lock()
        self._status: int | None = None
        self._out_of_memory = False
        self._began = time.time() - _CLOCK_SECONDS
        self._pid = 0  # of its first process, as the engine's machine counts them; 0: not known yet
        super().__init__([engine.program, "run", "--name", name, *options], environment=environment, folder=folder)

    @property
    def out_of_memory(self) -> bool:
        """Return whether it was killed because it had more memory than it may: the engine says so of its end."""
        return self._out_of_memory

    def family(self) -> Iterator[psutil.Process]:
        """Yield its processes, as far as they are this machine's own: none where the engine has another machine.

        There a process of its number is another one, which was there before.
        """
        with contextlib.suppress(EngineError, ValueError, psutil.Error):
            if not self._pid:
                self._pid = int(self._engine.call("inspect", "--format", "{{.State.Pid}}", self._name))
            first = psutil.Process(self._pid)
            if self._pid and self.running and first.create_time() >= self._began:
                yield from (first, *first.children(recursive=True))

    def wait(self, seconds: float | None = None) -> int:
        """Wait until it has ended; return its exit status. Raises TimeoutError. What is left of it is removed."""
        status = super().wait(seconds)
        with self._ending:
            if self._status is None:
                self._out_of_memory = self._was_out_of_memory()
                self._remove()
                self._ended()
                self._status = status
            return self._status

    def terminate(self, *, grace: float) -> None:
        """Let the engine stop it: SIGTERM to its first process now, SIGKILL after `grace` seconds. Return at once."""
        threading.Thread(target=self._stop, args=(grace,), name=f"stop {self._name}", daemon=True).start()

    def kill(self) -> None:
        """End it at once, and the engine's program with it."""
        if self.running:
            self._remove()
        super().kill()

    def _stop(self, grace: float) -> None:
        deadline = time.monotonic() + grace
        while self.running and time.monotonic() < deadline:
            with contextlib.suppress(EngineError):  # it may not be there yet
                self._engine.call("stop", "-t", str(math.ceil(grace)), self._name, seconds=grace + 60)
                return
            time.sleep(_ROUND_SECONDS)
        self.kill()

    def _was_out_of_memory(self) -> bool:
        try:
            return "true" in self._engine.call("inspect", "--format", "{{.State.OOMKilled}}", self._name).lower()
        except EngineError:  # it is gone: somebody killed it
            return False

    def _remove(self) -> None:
        with contextlib.suppress(EngineError):
            self._engine.call("rm", "--force", "--volumes", self._name)
