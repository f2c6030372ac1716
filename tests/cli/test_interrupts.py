"""Whoever presses Ctrl-C again and again is answered once, in a sentence or not at all, whenever it comes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cli import paths
from embedded_aws import gateway
from tests.embedded_aws.account import until


def catches_ctrl_c(pid: int) -> bool:
    """Return whether a process has a handler of its own for it."""
    caught = re.findall(r"(?m)^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text())
    return bool(int(caught[0], 16) >> (signal.SIGINT - 1) & 1)


@pytest.mark.parametrize("at_work", [False, True], ids=["loading", "at work"])
def test_a_storm_of_ctrl_c(tmp_path: Path, *, at_work: bool) -> None:
    """It ends, as interrupted, without a traceback: while it is loaded, and at work; what it had begun has ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "preflight"],
        cwd=paths.ROOT,
        env={**os.environ, "BRICKLAB_HOME": str(tmp_path), "PYTHONPATH": str(paths.ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # Python sets its own first, and the command none while it is loaded.
    until(lambda: catches_ctrl_c(process.pid))
    until(lambda: not catches_ctrl_c(process.pid))
    if at_work:
        until((tmp_path / "aws").exists)  # it starts an embedded AWS, which takes a second
    for _ in range(8):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    said, _ = process.communicate(timeout=60)
    assert "Traceback" not in said
    assert process.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    assert gateway.running(tmp_path / "aws") is None
    assert not [each.info for each in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(each.info["cmdline"])]
