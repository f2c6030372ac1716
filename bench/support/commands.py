"""Commands that are timed."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from cli import paths
from cli.programs import tool_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def seconds(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Return how long a command takes in the project's folder; end the benchmark, with its output, if it fails."""
    started = time.monotonic()
    everything = {**tool_environment(), **(environment or {})}
    done = subprocess.run(command, cwd=paths.ROOT, env=everything, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
    return time.monotonic() - started
