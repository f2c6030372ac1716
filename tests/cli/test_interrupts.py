"""Whoever presses Ctrl-C again and again is answered once, in a sentence or not at all, whenever it comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from cli import paths
from embedded_aws import gateway

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("seconds", [0.3, 1.5])
def test_a_storm_of_ctrl_c(tmp_path: Path, seconds: float) -> None:
    """It ends, as interrupted, without a traceback: while it is loaded, and at work; what it had begun has ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "preflight"],
        cwd=paths.ROOT,
        env={**os.environ, "BRICKLAB_HOME": str(tmp_path), "PYTHONPATH": str(paths.ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(seconds)
    for _ in range(8):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    said, _ = process.communicate(timeout=60)
    assert "Traceback" not in said
    assert process.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    assert gateway.running(tmp_path / "aws") is None
