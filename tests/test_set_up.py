"""What `./lab` does before anything is installed: whose environment it is, and what it says when none can be made."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import subprocess
import sys
import threading
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from typing import TYPE_CHECKING, Any

import pytest

from cli import paths
from tests.zips import wheel

if TYPE_CHECKING:
    from pathlib import Path

HERE = f"{platform.python_version()} {os.path.realpath(getattr(sys, '_base_executable', sys.executable))}"


def load(script: Path) -> Any:
    """Return a script as a module."""
    spec = spec_from_loader("lab", SourceFileLoader("lab", str(script)))
    assert spec
    module = module_from_spec(spec)
    assert spec.loader
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lab(tmp_path: Path) -> Any:
    """The script, in a checkout with nothing but requirements; what it runs is noted, not run."""
    module = load(paths.ROOT / "lab")
    module.ROOT, module.VENV, module.BIN = tmp_path, tmp_path / ".venv", tmp_path / ".venv" / "bin"
    module.LOG = tmp_path / "setup.log"
    (tmp_path / "requirements.txt").write_text("uv==1.0 \\\n    --hash=sha256:aa\n    # via embedded-aws\nwall==1.0\n")
    module.ran = []
    module._run = lambda command, _output, **_: module.ran.append([str(word) for word in command])
    return module


def environment_of(lab: Any, python: str) -> None:
    """Put an environment there that says it comes from that Python."""
    lab.BIN.mkdir(parents=True)
    (lab.BIN / "python").write_text(f"#!/bin/sh\necho '{python}'\n")
    (lab.BIN / "python").chmod(0o755)


def set_up(lab: Any) -> None:
    """Do what the first call does for Python."""
    marker = lab.VENV / "bricklab-ready"
    lab.VENV.mkdir(exist_ok=True)
    lab._once(marker, [lab.ROOT / "requirements.txt"], "Python packages", lab._install_python, by=lab._python())


def test_the_same_python_is_content(lab: Any) -> None:
    """An environment of this Python is kept; once it is ready nothing is run."""
    environment_of(lab, HERE)
    set_up(lab)
    assert not [command for command in lab.ran if "venv" in command]
    lab.ran.clear()
    set_up(lab)
    assert lab.ran == []


@pytest.mark.parametrize(
    "other", ["3.12.1 /opt/other/bin/python3.12", f"{platform.python_version()} /opt/same/version"]
)
def test_another_python_makes_it_anew(lab: Any, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that another version, or another installation, has made and declared ready is removed and made anew."""
    environment_of(lab, other)
    with monkeypatch.context() as patch:
        patch.setattr(lab, "_python", lambda: other)
        set_up(lab)
    lab.ran.clear()
    lab._run = lambda command, _output, **_: (lab.ran.append(command), lab.BIN.mkdir(parents=True, exist_ok=True))
    set_up(lab)
    assert lab.ran[0] == [lab.BASE, "-m", "venv", str(lab.VENV)]
    assert not (lab.BIN / "python").exists()


def test_not_under_a_lab_that_runs(
    lab: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment in which a lab runs is not taken away: the sentence names the Python that may end it."""
    monkeypatch.setenv("BRICKLAB_HOME", str(lab.ROOT))
    (lab.ROOT / "aws").mkdir()
    (lab.ROOT / "aws" / "gateway.json").write_text(json.dumps({"pid": os.getpid()}))
    environment_of(lab, "3.12.1 /opt/other/bin/python3.12")
    with pytest.raises(SystemExit, match=r"`/opt/other/bin/python3\.12 lab down` first"):
        set_up(lab)
    assert (lab.BIN / "python").exists()
    assert "Traceback" not in capsys.readouterr().err


def test_without_ensurepip(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's Python without python3-venv can't make environments: the sentence says what to install."""
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemExit, match=r"sudo apt install python3\.\d+-venv"):
        set_up(lab)


@pytest.mark.parametrize("version", [(3, 10, 12), (3, 14, 0)])
def test_a_python_that_it_is_not_made_for(lab: Any, version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """An older or a newer Python is refused with the versions that there are."""
    monkeypatch.setattr(lab.sys, "version_info", version)
    with pytest.raises(SystemExit, match=r"3\.11, 3\.12 or 3\.13"):
        lab.main()


def test_two_set_up_in_turn(lab: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A second call says that it waits for the first."""
    with (tmp_path / "lock").open("w") as first, (tmp_path / "lock").open("w") as second:
        fcntl.flock(first, fcntl.LOCK_EX)
        threading.Timer(0.5, fcntl.flock, (first, fcntl.LOCK_UN)).start()
        lab._wait_for(second)
    assert "waiting for it" in capsys.readouterr().err


def test_smoke_is_a_sound_script() -> None:
    """The smoke of CI can be read by bash; what it runs takes minutes and is CI's own."""
    assert subprocess.run(["bash", "-n", paths.ROOT / ".ci" / "smoke"], check=False).returncode == 0


def test_uv_itself_is_held_to_its_hash(lab: Any) -> None:
    """First pip installs the lock's uv and nothing else, then uv the lock, then the embedded AWS itself."""
    environment_of(lab, HERE)
    set_up(lab)
    first, lock, own = lab.ran
    assert "--require-hashes" in first
    assert (lab.ROOT / "uv.txt").read_text() == "uv==1.0 \\\n    --hash=sha256:aa\n"
    assert first[-1] == str(lab.ROOT / "uv.txt")
    assert "--require-hashes" in lock
    assert lock[-1] == str(lab.ROOT / "requirements.txt")
    assert own[-2:] == ["--editable", str(lab.ROOT / "embedded_aws")]


def test_what_has_another_hash_is_not_installed(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that the lock was not made of is refused in a sentence, before anything of the lock is installed."""
    script, index = lab.ROOT / "requirements.txt", lab.ROOT / "index"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", lab.VENV], check=True)
    (lab.BIN / "uv").symlink_to(paths.ROOT / ".venv" / "bin" / "uv")
    index.mkdir()
    files = {name: wheel(name) for name in ("brick", "wall")}
    for name, made in files.items():
        (index / f"{name}-1.0-py3-none-any.whl").write_bytes(made)
    for name, value in {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(index), "UV_CACHE_DIR": str(lab.ROOT / "uv")}.items():
        monkeypatch.setenv(name, value)
    lab._run = load(paths.ROOT / "lab")._run
    hashes = {name: hashlib.sha256(made).hexdigest() for name, made in files.items()}

    def sync(hashes: dict[str, str]) -> None:
        script.write_text("".join(f"{name}==1.0 --hash=sha256:{digest}\n" for name, digest in hashes.items()))
        lab._once(lab.ROOT / "ready", [script], "Python packages", lambda output: lab._sync(script, output))

    with pytest.raises(SystemExit, match=r"^wall==1\.0 is not the file that requirements\.txt names: "):
        sync({**hashes, "wall": "0" * 64})
    assert not list(lab.VENV.rglob("brick.py"))
    assert not (lab.ROOT / "ready").exists()
    sync(hashes)
    assert list(lab.VENV.rglob("brick.py"))
    assert list(lab.VENV.rglob("wall.py"))
