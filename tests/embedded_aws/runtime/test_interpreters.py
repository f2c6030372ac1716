"""An image runs the Python of its tag wherever one can be had; ours stands in, with a reason, where none can."""

from __future__ import annotations

import json
import platform
import sys
from typing import TYPE_CHECKING

import pytest

from embedded_aws.runtime import interpreters

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OURS = ".".join(platform.python_version_tuple()[:2])


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """A uv that has no Python and can't fetch one, which notes what it is asked; nothing else is on the machine."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    program = script(
        tmp_path / "uv", f'echo "$@" >> {tmp_path}/asked\necho "error: no\n  cause: no network" >&2\nexit 2'
    )
    return lambda: program


def script(path: Path, text: str) -> Path:
    """Write a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def python(path: Path, version: str) -> Path:
    """Write what answers as a Python does."""
    return script(path, f"echo '{json.dumps([str(path), version, str(path.parent)])}'")


def forget() -> None:
    """Ask again what a process asks once."""
    interpreters._discover_once.cache_clear()


def test_takes_our_own_python_for_its_version(tmp_path: Path, uv: Callable[[], Path]) -> None:
    """An image of the version that runs here, or of none, is made of that."""
    for image in (f"small-1.0-cpu-py{OURS.replace('.', '')}", "small-1.0"):
        found = interpreters.find(interpreters.wanted(image), folder=tmp_path, uv=uv)
        assert (found.python, found.notice) == (sys.executable, "")


def test_finds_one_on_the_path(tmp_path: Path, uv: Callable[[], Path]) -> None:
    """One that does not run, or is of another version, is passed over; nobody is asked again once one is found."""
    script(tmp_path / "bin" / "python3.91", "exit 127")  # as pyenv's shims do
    python(tmp_path / "pyenv" / "versions" / "3.91.9" / "bin" / "python3.91", "3.90.0")
    wanted = python(tmp_path / "pyenv" / "versions" / "3.91.2" / "bin" / "python3.91", "3.91.2")
    for _ in range(2):
        found = interpreters.find("3.91", folder=tmp_path / "images", uv=uv)
        assert (found.python, found.version, found.notice) == (str(wanted), "3.91.2", "")
    assert not (tmp_path / "asked").exists()


def test_one_that_was_removed_is_looked_for_again(tmp_path: Path, uv: Callable[[], Path]) -> None:
    """What was noted is used only while it is there."""
    python(tmp_path / "bin" / "python3.92", "3.92.1")
    folder = tmp_path / "images"
    interpreters.find("3.92", folder=folder, uv=uv)
    (tmp_path / "bin" / "python3.92").unlink()
    forget()
    assert interpreters.look_up("3.92", folder=folder, uv=uv) is None
    assert interpreters.find("3.92", folder=folder, uv=uv).notice


def test_ours_stands_in_where_none_can_be_had(tmp_path: Path, uv: Callable[[], Path]) -> None:
    """A uv is asked to fetch one once a day; the notice says why it could not, and what to do."""
    assert interpreters.look_up("3.93", folder=tmp_path, uv=uv) is None
    for _ in range(2):
        found = interpreters.find("3.93", folder=tmp_path, uv=uv)
        assert found.python == sys.executable
        assert found.notice == (
            f"This image stands for Python 3.93; Python {platform.python_version()} stands in, because this machine "
            "has no Python 3.93 and uv could not fetch one (no network). Once python3.93 is on the PATH it is used."
        )
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len([line for line in asked if " install " in line]) == 1


def test_one_that_comes_later_takes_over(tmp_path: Path, uv: Callable[[], Path]) -> None:
    """A Python that is installed after ours stood in is used from the next process on, and by those that run."""
    assert interpreters.find("3.94", folder=tmp_path, uv=uv).notice
    python(tmp_path / "bin" / "python3.94", "3.94.0")
    forget()
    assert not interpreters.find("3.94", folder=tmp_path, uv=uv).notice


def test_tells_which_are_installed(tmp_path: Path, uv: Callable[[], Path]) -> None:
    """Those of several versions that are here, none that stands in, and nothing is fetched."""
    python(tmp_path / "bin" / "python3.93", "3.93.1")
    folder = tmp_path / "images"
    interpreters.find("3.94", folder=folder, uv=uv)
    (tmp_path / "asked").unlink()
    found = interpreters.installed(("3.93", "3.94", "3.95"), folder=folder, uv=uv)
    assert found == {"3.93": tmp_path / "bin" / "python3.93"}
    assert "install" not in (tmp_path / "asked").read_text()
