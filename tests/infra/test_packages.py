"""The kernel that a notebook instance gets: real environments and a real pip, which installs one small wheel."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.zips import wheel

SCRIPT = Path(__file__).resolve().parent.parent.parent / "infra" / "scripts" / "packages.py"
BRICK = "brick==1.0\n"
BRICK_FILE = "brick-1.0-py3-none-any.whl"
KERNEL = Path(".local") / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"


def publish(index: Path, version: str) -> None:
    """Put a version of the package into a folder."""
    (index / f"brick-{version}-py3-none-any.whl").write_bytes(wheel("brick", version=version))


class Machine:
    """A home folder, a PATH with one Python, and a package index with one package."""

    first: tuple[subprocess.CompletedProcess[str], dict[str, Any]]
    second: tuple[subprocess.CompletedProcess[str], dict[str, Any]]

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.index = folder / "index"
        self.bin = folder / "bin"
        for place in (self.home, self.index, self.bin):
            place.mkdir()
        self.requirements = self.home / "requirements.txt"
        self.environment = self.home / "SageMaker" / ".lab" / "python"
        self.python(f'exec {sys.executable} "$@"')
        publish(self.index, "1.0")

    def python(self, script: str) -> None:
        """Make this the machine's python3."""
        (self.bin / "python3").write_text(f"#!/bin/bash\n{script}\n")
        (self.bin / "python3").chmod(0o755)

    def provide(self, requirements: str) -> subprocess.CompletedProcess[str]:
        """Run the script as the lifecycle script does."""
        self.requirements.write_text(requirements)
        environment = {"HOME": str(self.home), "PATH": str(self.bin), "PIP_NO_INDEX": "1"}
        environment["PIP_FIND_LINKS"] = str(self.index)
        return subprocess.run(
            [sys.executable, SCRIPT, self.requirements, self.environment],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def kernel(self) -> dict[str, Any]:
        """The kernel `python3` of the user; empty if there is none."""
        file = self.home / KERNEL
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def installed(self) -> str:
        """The version of the package in the environment."""
        code = "import importlib.metadata as m; print(m.version('brick'))"
        python = self.environment / "bin" / "python"
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An instance that has never been started."""
    return Machine(tmp_path)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """An instance with an old python3, a newer one in its Anaconda, and a first start without a package index."""
    machine = Machine(tmp_path_factory.mktemp("started"))
    machine.python("echo 3.9")
    conda = machine.home / "anaconda3" / "bin"
    conda.mkdir(parents=True)
    (conda / "python").symlink_to(sys.executable)
    (machine.index / BRICK_FILE).rename(machine.home / BRICK_FILE)
    machine.first = machine.provide(BRICK), machine.kernel()
    (machine.home / BRICK_FILE).rename(machine.index / BRICK_FILE)
    machine.second = machine.provide(BRICK), machine.kernel()
    return machine


def test_a_machine_that_has_all_installs_nothing(machine: Machine) -> None:
    """Its own python3 is the kernel; comments, and what is for other machines, ask for nothing."""
    done = machine.provide(
        f"# by uv\nkeras=={version('keras')}\n    # via brick\npywin32==1 ; sys_platform == 'win32'\n"
        f"tensorflow-cpu=={version('tensorflow-cpu')} ; python_version >= '3.11' and sys_platform != 'win32'\n"
    )
    assert done.returncode == 0
    assert machine.kernel()["argv"][0] == str(machine.bin / "python3")
    assert not machine.environment.exists()


def test_jupyter_takes_the_kernel_for_its_own(machine: Machine) -> None:
    """With the lifecycle script's JUPYTER_PATH: a Jupyter in a virtual environment prefers the kernels of that one."""
    machine.provide(f"keras=={version('keras')}\n")
    folder = machine.home / KERNEL
    listing = subprocess.run(
        [sys.executable, "-m", "jupyter", "kernelspec", "list", "--json"],
        env={"HOME": str(machine.home), "PATH": str(machine.bin), "JUPYTER_PATH": str(folder.parents[2])},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(listing.stdout)["kernelspecs"]["python3"]["resource_dir"] == str(folder.parent)


def test_the_lab_s_own_environment_has_what_notebooks_need(machine: Machine) -> None:
    """The requirements of a notebook instance are those of this repository, version for version."""
    machine.provide((SCRIPT.parent.parent.parent / "notebooks" / "requirements.txt").read_text())
    assert machine.kernel()["argv"][0] == str(machine.bin / "python3")
    assert not machine.environment.exists()


def test_an_environment_is_no_kernel_before_it_is_complete(started: Machine) -> None:
    """A failed installation says so in a sentence, and leaves none."""
    failed, kernel = started.first
    assert failed.returncode == 1
    assert "Not installed" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not kernel


def test_what_is_missing_is_installed(started: Machine) -> None:
    """The next start tries again: in an environment of its own, made by the newest Python there is, on the volume."""
    done, kernel = started.second
    assert f"with {started.home / 'anaconda3' / 'bin' / 'python'}" in done.stdout
    python = started.environment / "bin" / "python"
    assert kernel["argv"] == [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def test_it_is_installed_once_for_each_requirements_file(started: Machine) -> None:
    """A start has nothing to do but to register the kernel; an update leaves what the student has added with %pip."""
    (started.home / KERNEL).unlink()  # a home folder is new at each start, but for the volume
    assert "Installing" not in started.provide(BRICK).stdout
    assert started.kernel()
    assert started.installed() == "1.0"
    mine = started.environment / "mine"
    mine.touch()
    publish(started.index, "2.0")
    assert "Installing" in started.provide("brick==2.0\n").stdout
    assert started.installed() == "2.0"
    assert mine.exists()


def test_an_old_python_makes_no_environment(machine: Machine) -> None:
    """Amazon Linux 2023's own python3 is 3.9: where there is no other, one sentence says what is missing."""
    machine.python("echo 3.9")
    done = machine.provide(BRICK)
    assert done.returncode == 1
    assert "no Python of 3.11, 3.12, 3.13 is here" in done.stderr
    assert not machine.environment.exists()
