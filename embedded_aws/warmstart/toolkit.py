"""Warm start in the training toolkit's own process: launch/train.py loads this for a job that is to leave a warm pool.

The script's imports are noted. A host of a warm pool has the toolkit and what was noted imported before its job is
there (script.py, beside this file), and waits for the job's environment, a JSON object, at the socket that it
inherited.
"""

import asyncio
import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

SCRIPT = Path(__file__).with_name("script.py")
Output = tuple[int, list[str], "asyncio.subprocess.Process | subprocess.Popen[bytes]"]


class PreloadedPython:
    """A Python that imports ahead what the script will, below the toolkit's own process."""

    def __init__(self, imports: str) -> None:
        """Start it; `imports` is the file in which they were noted."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._process = subprocess.Popen([sys.executable, SCRIPT, imports], **pipes)  # type: ignore[call-overload]

    async def run(
        self,
        command: Sequence[str],
        *,
        environment: dict[str, str],
        folder: str,
        watch: Any,
        on_start: Callable[[], None],
    ) -> Output:
        """Let it run the script; return exit status, output as the toolkit's `watch` gives it, and the process."""
        orders = {"environment": dict(environment), "folder": folder, "command": list(command)}
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        stdin.write(json.dumps(orders).encode() + b"\n")
        stdin.close()
        on_start()
        output = await asyncio.gather(*[watch(await _reader(pipe)) for pipe in (stdout, stderr)])
        return self._process.wait(), output, self._process


async def _reader(pipe: IO[bytes]) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


def note_imports(imports: str, preloaded: PreloadedPython | None, *, on_start: Callable[[], None]) -> None:
    """Let the toolkit run a Python script so that its imports are noted, by the preloaded Python if there is one.

    `on_start` is called when that one has been given the script.
    """
    process = importlib.import_module("sagemaker_training.process")
    run = process.run_async

    async def run_script(command: list[str], processes: int, *, error_classes: Any = None, **how: Any) -> Output:
        python, marker, *script = command
        # A program that is no Python script, or runs as a module; one whose stderr the toolkit leaves alone.
        usual = (python, marker) != (sys.executable, "--") or how["stderr"] is None
        if preloaded and not usual:
            watch = partial(process.watch, proc_per_host=processes, error_classes=error_classes)
            return await preloaded.run(
                script, environment=how["env"], folder=how["cwd"], watch=watch, on_start=on_start
            )
        command = command if usual else [python, str(SCRIPT), imports, *script]
        output: Output = await run(command, processes, error_classes=error_classes, **how)
        return output

    process.run_async = run_script  # type: ignore[attr-defined]


def wait_for_job() -> PreloadedPython:
    """Import the toolkit and what the last job's script did, until there is a job; take over its environment.

    Ends the process if there won't be one.
    """
    preloaded = PreloadedPython(os.environ["SAGEMAKER_JOB_IMPORTS"])
    importlib.import_module("sagemaker_training.cli.train")
    if module := os.environ.get("SAGEMAKER_TRAINING_MODULE"):
        importlib.import_module(module.partition(":")[0])
    with socket.socket(fileno=int(os.environ["SAGEMAKER_JOB_ORDERS"])) as orders, orders.makefile("rb") as file:
        environment = file.read()
    if not environment:
        sys.exit()
    os.environ.clear()
    os.environ.update(json.loads(environment))
    return preloaded
