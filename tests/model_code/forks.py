"""Trainings that are forks of a process which has TensorFlow imported already: importing it is half of a short one.

The process that they are forks of is a Python of its own, with another hash seed than the other trainings have.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import train

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection
    from pathlib import Path

# What train.py imports, in the environment in which it does so.
_IMPORTS = ["tensorflow", "loops.custom", "loops.fit", "loops.xla", "evaluation", "export", "pictures", "provenance"]
_ENVIRONMENT = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "1", "PYTHONHASHSEED": "42"}
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(_IMPORTS)


class Training:
    """One that runs: train.py with these flags, in this environment, after `before` if there is anything to do."""

    def __init__(
        self,
        *flags: str | Path,
        environment: Mapping[str, str],
        errors: Path,
        before: Callable[[], object] | None = None,
    ) -> None:
        reader, writer = _CONTEXT.Pipe(duplex=False)
        arguments = ([str(flag) for flag in flags], environment, writer, errors, before)
        with patch.dict(os.environ, _ENVIRONMENT), writer:
            self._process = _CONTEXT.Process(target=_run, args=arguments)
            self._process.start()
        self._errors = errors
        self.output = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
        reader.close()

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self._process.terminate()

    def wait(self) -> str:
        """Wait for its end; return what is left of its output."""
        with self.output:
            rest = self.output.read()
        self._process.join()
        return rest

    @property
    def code(self) -> int | None:
        """Its exit code: minus the signal that has ended it; None while it runs."""
        return self._process.exitcode

    @property
    def error(self) -> str:
        """What it has written to stderr."""
        return self._errors.read_text(encoding="utf-8")

    def end(self) -> None:
        """Leave nothing running."""
        self._process.kill()
        self._process.join()
        self.output.close()


def _run(flags: list[str], environment: Mapping[str, str], output: Connection, errors: Path, before: Any) -> None:
    os.dup2(output.fileno(), sys.stdout.fileno())
    with errors.open("w") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    os.environ.update(environment)
    if before:
        before()
    sys.exit(train.main(flags, os.environ))
