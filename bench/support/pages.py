"""A command of `./lab` that serves a page, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli import paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def served(home: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command with a lab's home while the block runs; yield its process and the page's link."""
    command = [sys.executable, "-m", "cli", *words, "--no-browser", "--json"]
    environment = {**os.environ, "BRICKLAB_HOME": str(home)}
    with subprocess.Popen(command, cwd=paths.ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout  # noqa: S101 - it is a pipe
        said = ""
        while "}" not in said:
            said += process.stdout.readline()
        try:
            yield process, json.loads(said)["url"]
        finally:
            process.terminate()
