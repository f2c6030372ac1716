"""A sandbox is made where it can be, by a bubblewrap that is known; where not, it is said why."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from embedded_aws.runtime import sandbox
from embedded_aws.runtime.process import Process
from embedded_aws.runtime.sandbox import Bubblewrap, View

FOUND = sandbox.find()
needs_one = pytest.mark.skipif(isinstance(FOUND, str), reason=str(FOUND))


def command(tmp_path: Path, *words: str) -> list[str]:
    """A command in a sandbox in which /opt/ml is this folder."""
    assert isinstance(FOUND, Bubblewrap)
    return FOUND.command(
        words, View(writable={"/opt/ml": tmp_path}, read_only={}, folder="/opt/ml", host_name="algo-1")
    )


def test_it_can_be_switched_off() -> None:
    """By a variable, which the reason names."""
    assert sandbox.find({sandbox.SWITCH: "off"}) == "Sandboxes are switched off: EMBEDDED_AWS_SANDBOX is `off`."


def test_an_old_one_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a distribution's that lacks what keeps a program in, the wheel's takes the place."""
    old = tmp_path / "bwrap"
    old.write_text("#!/bin/sh\necho bubblewrap 0.6.1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    sandbox._search.cache_clear()
    found = sandbox.find()
    assert isinstance(found, str) or found.program != old
    sandbox._search.cache_clear()


@needs_one
def test_sigterm_reaches_the_program(tmp_path: Path) -> None:
    """It has the time to save that it would have without a sandbox, and its exit status is told."""
    script = "trap 'echo saved; exit 3' TERM; echo ready; while :; do sleep 0.1; done"
    process = Process(command(tmp_path, "bash", "-c", script), environment=dict(os.environ), folder=tmp_path)
    lines = process.lines()
    assert next(lines) == "ready"
    process.terminate(grace=30)
    assert list(lines)[-1] == "saved"
    assert process.wait() == 3


@needs_one
def test_sigterm_ends_a_sandbox_that_is_being_made(tmp_path: Path) -> None:
    """Whenever it comes: nothing is left that sleeps on."""
    for round_ in range(60):
        process = Process(command(tmp_path, "sleep", "60"), environment=dict(os.environ), folder=tmp_path)
        time.sleep(round_ / 2000)  # it takes some 20 ms
        process.terminate(grace=60)
        assert list(process.lines()) == []
        assert process.wait(30) in {128 + signal.SIGTERM, 128 + signal.SIGKILL}


@needs_one
def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    """It is told as without a sandbox, with the exit status that a container has."""
    process = Process(command(tmp_path, "no-such-program"), environment=dict(os.environ), folder=tmp_path)
    assert list(process.lines()) == ["exec no-such-program: No such file or directory"]
    assert process.wait() == 127


@needs_one
@pytest.mark.parametrize("folder", ["/dev/shm", "/"])  # noqa: S108 - the sandbox's
def test_files_in_memory_are_memory(tmp_path: Path, folder: str) -> None:
    """What a program writes where there is no disk counts against its limit, though no process holds it."""
    script = f"head -c 400000000 /dev/zero >{folder}/file; sleep 60"
    words = command(tmp_path, "sh", "-c", script)
    process = Process(words, environment=dict(os.environ), folder=tmp_path, memory=300_000_000)
    assert (list(process.lines()), process.wait(30), process.out_of_memory) == ([], 128 + signal.SIGKILL, True)


@needs_one
def test_a_sandbox_that_is_being_made_has_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mounts are at other places for a moment, where the machine's disk may lie: that is no memory of its own.

    A look at a bad moment is rare, so the supervisor's own is made again and again while sandboxes come up.
    """
    monkeypatch.syspath_prepend(str(Path(sandbox.__file__).with_name("launch")))
    supervise = importlib.import_module("supervise")
    seen = []
    for _ in range(20):
        with subprocess.Popen(command(tmp_path, "true"), cwd=tmp_path) as process:
            while process.poll() is None:
                seen.append(supervise._held_by_files([*supervise._family(os.getpid())]))
    assert max(seen) < 100_000_000


MAPPED = """
import mmap, os, time
with open("/dev/shm/file", "w+b") as file:
    file.truncate(200_000_000)
    mapped = mmap.mmap(file.fileno(), 0)
    for _ in range(2):
        if os.fork() == 0:
            break
    for start in range(0, len(mapped), 4096):
        mapped[start] = 1
    time.sleep(3)
"""


@needs_one
def test_a_file_in_memory_that_is_mapped_counts_once(tmp_path: Path) -> None:
    """PyTorch's workers hand their batches on so."""
    assert isinstance(FOUND, Bubblewrap)
    python = {sys.base_prefix: Path(sys.base_prefix)}
    view = View(writable={"/opt/ml": tmp_path}, read_only=python, folder="/opt/ml", host_name="algo-1")
    words = FOUND.command([str(Path(sys.executable).resolve()), "-c", MAPPED], view)
    process = Process(words, environment=dict(os.environ), folder=tmp_path, memory=300_000_000)
    assert (list(process.lines()), process.wait(30), process.out_of_memory) == ([], 0, False)


@needs_one
def test_no_other_namespace_can_be_made_in_it(tmp_path: Path) -> None:
    """In one of its own a program could make what is read-only writable."""
    done = subprocess.run(command(tmp_path, "unshare", "--user", "true"), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "unshare" in done.stderr
