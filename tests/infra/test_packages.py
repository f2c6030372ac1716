"""The environment of a notebook instance's kernel, made by a conda that is a stub and by a real uv."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.zips import wheel

SCRIPT = Path(__file__).resolve().parent.parent.parent / "infra" / "scripts" / "packages.py"
UV = shutil.which("uv", path=sysconfig.get_path("scripts"))
# Says how it was called, and makes what it is asked for.
CONDA = f"""#!/bin/bash
echo "conda $*"
[ ! -e "${{0%/*}}/broken" ] || exit 7
while [ "$1" != --prefix ]; do shift; done
{sys.executable} -m venv --clear --without-pip "$2"
ln -s {UV} "$2/bin/uv"
"""


class Machine:
    """A home folder with a conda in it, and a package index with one package."""

    def __init__(self, folder: Path) -> None:
        self.home, self.index, self.requirements = folder / "home", folder / "index", folder / "requirements.txt"
        self.lab = self.home / "SageMaker" / ".lab"
        self.bin = self.home / "anaconda3" / "bin"
        for place in (self.lab, self.index, self.bin):
            place.mkdir(parents=True)
        (self.bin / "conda").write_text(CONDA)
        (self.bin / "conda").chmod(0o755)
        self.environment, self.status = self.lab / "python", self.lab / "packages.txt"
        self.publish("1.0")

    def publish(self, version: str) -> None:
        """Put a version of the package into the index."""
        (self.index / f"brick-{version}-py3-none-any.whl").write_bytes(wheel("brick", version=version))

    def provide(self, version: str = "1.0", *, digest: str = "") -> subprocess.CompletedProcess[str]:
        """Run the script as the lifecycle script does, with a lock of that version and its hash or another one."""
        published = self.index / f"brick-{version}-py3-none-any.whl"
        digest = digest or hashlib.sha256(published.read_bytes() if published.exists() else b"").hexdigest()
        self.requirements.write_text(f"brick=={version} --hash=sha256:{digest}\n")
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "UV_FIND_LINKS": str(self.index)}
        environment["UV_DEFAULT_INDEX"] = (self.home / "no-index").as_uri()
        (self.home / "no-index").mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, SCRIPT, self.requirements, self.environment, self.status],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def said(self) -> str:
        """What the status file says."""
        return self.status.read_text().strip()

    def installed(self) -> str:
        """The version of the package in the environment."""
        code = "import importlib.metadata as m; print(m.version('brick'))"
        python = self.environment / "bin" / "python"
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """An instance whose first start has made the environment."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    done = machine.provide()
    assert done.returncode == 0, done.stdout + done.stderr
    return machine


@pytest.fixture
def fresh(tmp_path: Path) -> Machine:
    """An instance that has never been started."""
    return Machine(tmp_path)


def test_python_and_packages_are_on_the_volume(machine: Machine) -> None:
    """Which is all that a stop leaves; the interpreter is conda-forge's, never one that the machine happens to have."""
    assert machine.installed() == "1.0"
    assert machine.said() == "Ready: choose Restart Kernel in the menu Kernel, then run the cells from the top."
    assert not (machine.lab / "cache").exists()


def test_conda_is_asked_for_what_others_ask_it_for(fresh: Machine) -> None:
    """Python 3.12, pip for `%pip`, and uv, from conda-forge alone."""
    asked = f"conda create --yes --quiet --prefix {fresh.environment} --override-channels --channel conda-forge"
    assert f"{asked} python=3.12 pip uv\n" in fresh.provide().stdout


def test_it_is_made_once_for_each_requirements_file(machine: Machine) -> None:
    """A start has nothing to do; an update leaves what the student has added with %pip."""
    mine = machine.environment / "mine"
    mine.touch()
    assert machine.provide().stdout.splitlines() == [machine.said()]
    machine.publish("2.0")
    updated = machine.provide("2.0")
    assert "conda" not in updated.stdout
    assert "step 2 of 2" in updated.stdout
    assert machine.installed() == "2.0"
    assert mine.exists()


def test_a_python_that_is_gone_is_made_again(machine: Machine) -> None:
    """The environment may be of no use, as one is whose interpreter lay outside of the volume."""
    (machine.environment / "bin" / "python").unlink()
    assert "conda create" in machine.provide("1.0").stdout
    assert machine.installed() == "1.0"


def test_a_conda_that_fails_is_told(fresh: Machine) -> None:
    """Which step, how, where the log is and what happens next; no traceback; the next start makes it."""
    (fresh.bin / "broken").touch()
    done = fresh.provide()
    assert done.returncode == 1
    assert fresh.said() == (
        "Not installed: `conda create` ended with exit status 7. The log is packages.log; "
        "the next start of the notebook instance tries again."
    )
    assert "Traceback" not in done.stderr
    (fresh.bin / "broken").unlink()
    assert fresh.provide().returncode == 0
    assert fresh.said().startswith("Ready")


def test_a_machine_without_conda_is_told(fresh: Machine) -> None:
    """By the path that was looked for."""
    (fresh.bin / "conda").unlink()
    assert fresh.provide().returncode == 1
    assert fresh.said().startswith(f"Not installed: {fresh.bin / 'conda'} is not there.")


def test_what_the_index_has_not_is_no_environment(fresh: Machine) -> None:
    """Half an environment is never taken for a whole one, and the log says what was missing."""
    failed = fresh.provide("3.0")
    assert failed.returncode == 1
    assert "brick==3.0" in failed.stderr
    assert fresh.said().startswith("Not installed: `uv pip` ended with exit status 1.")
    assert not (fresh.environment / "complete").exists()
    assert fresh.provide().returncode == 0


def test_what_has_another_hash_is_not_installed(fresh: Machine) -> None:
    """A file that the index gives under the same name, and that the lock was not made of, is refused by its hash."""
    failed = fresh.provide(digest="0" * 64)
    assert failed.returncode == 1
    assert "Hash mismatch for `brick==1.0`" in failed.stderr
    assert fresh.said().startswith("Not installed: `uv pip` ended with exit status 1.")
    assert not (fresh.environment / "complete").exists()
