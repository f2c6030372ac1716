"""A full disk is called a full disk, by whatever meets it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cli import paths
from cli.aws import cdk
from cli.ui import errors

if TYPE_CHECKING:
    from pathlib import Path


class Usage(NamedTuple):
    """As shutil.disk_usage answers."""

    total: int
    used: int
    free: int


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """No disk has room."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 10, 0))


def test_a_command_that_can_not_write_says_why(tmp_path: Path) -> None:
    """`up`, where no file may grow: a sentence with the folder or file, and no traceback."""
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 0; exec {sys.executable} -m cli up -c lab.name=full"],  # as a disk without room
        cwd=paths.ROOT,
        env={**os.environ, "BRICKLAB_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "The disk is full" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("said", ["", "Error: ENOSPC: no space left on device, write", "tar: No space left on device"])
def test_the_cdk_s_words_are_the_lab_s(tmp_path: Path, said: str) -> None:
    """Its log may say so, or be empty because it is on the very disk."""
    log = tmp_path / "synth.log"
    log.write_text(said)
    assert (
        cdk.error_in(log)
        == f"The disk is full, the one with {paths.HOME}: free some of it, then run the same command again."
    )


def test_another_cdk_at_work_is_another_command(tmp_path: Path) -> None:
    """The CDK CLI's words about PIDs and its folder are said in the lab's."""
    log = tmp_path / "synth.log"
    log.write_text("Other CLIs (PID=12,13) are currently reading from /x/cdk.out. Invoke the CLI in sequence, or use …")
    assert cdk.error_in(log).startswith("Another command of this lab is at work, process 12,13: wait")
    log.write_text("Another CLI (PID=14) is currently synthing to /x/cdk.out. Invoke the CLI in sequence, or use …")
    assert cdk.error_in(log).startswith("Another command of this lab is at work, process 14: wait")


def test_what_the_system_refuses_is_a_sentence(tmp_path: Path) -> None:
    """With the file that it is about."""
    denied = errors.of_system(PermissionError(errno.EACCES, "Permission denied", str(tmp_path)))
    assert denied == f"{tmp_path}: Permission denied. Mend that, then run the same command again."
    assert "The disk is full" in errors.of_system(OSError(errno.ENOSPC, "No space left on device", str(tmp_path)))
