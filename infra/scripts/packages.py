"""Gives a notebook instance the kernel `python3` with the lab's packages: the lifecycle script starts it at each start.

It runs with the instance's own python3 (3.9 on Amazon Linux 2023). Where an interpreter of the instance has every
package already, that one becomes the kernel and nothing is installed. Else an environment is made on the persistent
volume, once for each requirements file. The kernel is registered when its packages are complete, never before.

Not checked against AWS: which interpreters an instance has, that the environment `python3` of its anaconda3 is its own
kernel of that name, and that its Jupyter server finds a kernel in ec2-user's home.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

_MAKERS = ("python3.13", "python3.12", "python3.11", "python3")
_VERSIONS = ("3.11", "3.12", "3.13")  # what tensorflow has wheels for, of those that the requirements are made for
_CHECK_SECONDS = 60


def missing(requirements: Path) -> list[str]:
    """What this interpreter lacks of a requirements file."""
    try:
        from packaging.requirements import Requirement  # noqa: PLC0415 - what has no packaging lacks the rest as well
    except ImportError:
        return ["packaging"]
    lines = [line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines()]
    wanted = [Requirement(line) for line in lines if line]
    here = [one for one in wanted if one.marker is None or one.marker.evaluate()]
    return [str(one) for one in here if not one.specifier.contains(_version(one.name), prereleases=True)]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "0"


def has_all(python: str, requirements: Path) -> bool:
    """Whether another interpreter has every package of a requirements file."""
    return _answer(python, __file__, "--missing", str(requirements)) == "[]"


def find_maker(home: Path) -> str | None:
    """The interpreter that an environment can be made with: the newest one, else the instance's conda."""
    conda = [home / "anaconda3" / "bin" / "python", *sorted(home.glob("anaconda3/envs/*/bin/python"))]
    code = "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:2])))"
    for python in [*_MAKERS, *map(str, conda)]:
        if _answer(python, "-c", code) in _VERSIONS:
            return python
    return None


def _answer(python: str, *arguments: str) -> str:
    """What an interpreter prints; nothing if it is not there or fails."""
    try:
        done = subprocess.run(
            [python, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=_CHECK_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip()


def make(environment: Path, *, maker: str, requirements: Path) -> None:
    """Install the packages; into an environment that works already, so that what the student added stays there."""
    if not works(environment):
        subprocess.run([maker, "-m", "venv", "--clear", str(environment)], check=True)
    options = ["--disable-pip-version-check", "--no-cache-dir", "--no-input", "--progress-bar", "off"]
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", *options]
    subprocess.run([*pip, "--requirement", str(requirements)], check=True)
    (environment / "complete").write_text(_digest(requirements), encoding="utf-8")


def works(environment: Path) -> bool:
    """Whether the environment was complete once, and the interpreter that it was made with is still there."""
    return (environment / "complete").exists() and bool(_answer(str(environment / "bin" / "python"), "--version"))


def is_complete(environment: Path, requirements: Path) -> bool:
    """Whether it works, and has been made from this very requirements file."""
    return works(environment) and (environment / "complete").read_text(encoding="utf-8") == _digest(requirements)


def _digest(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def register(python: str, *, home: Path) -> None:
    """Make it the user's kernel `python3`, which JUPYTER_PATH puts before a kernel of that name of the machine's."""
    folder = home / ".local" / "share" / "jupyter" / "kernels" / "python3"
    kernel = {
        "argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3 (lab)",
        "env": {"PATH": f"{Path(python).parent}{os.pathsep}${{PATH}}"},  # for `!pip`
        "language": "python",
        "metadata": {"debugger": True},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json.new").write_text(json.dumps(kernel, indent=1), encoding="utf-8")
    (folder / "kernel.json.new").replace(folder / "kernel.json")
    print(f"The kernel python3 is {python}.", flush=True)


def provide(requirements: Path, environment: Path, *, home: Path) -> str:
    """Find or make the kernel; what went wrong in one sentence, or nothing."""
    if not is_complete(environment, requirements):
        for python in (str(home / "anaconda3" / "envs" / "python3" / "bin" / "python"), shutil.which("python3")):
            if python and has_all(python, requirements):
                register(python, home=home)
                return ""
        maker = find_maker(home)
        if maker is None:
            return (
                f"Not installed: no Python of {', '.join(_VERSIONS)} is here; choose another kernel and %pip install."
            )
        print(f"Installing {requirements} into {environment} with {maker}: some minutes, once.", flush=True)
        try:
            make(environment, maker=maker, requirements=requirements)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"Not installed: {error}; the next start of the instance tries again."
    register(str(environment / "bin" / "python"), home=home)
    return ""


def main() -> None:
    """Provide the kernel, or with --missing say what this interpreter lacks."""
    parser = argparse.ArgumentParser(description="Give a notebook instance the lab's packages.")
    parser.add_argument("--missing", action="store_true", help="say what this interpreter lacks, and do nothing")
    parser.add_argument("requirements", type=Path)
    parser.add_argument("environment", type=Path, nargs="?", default=Path.home() / "SageMaker" / ".lab" / "python")
    options = parser.parse_args()
    if options.missing:
        print(missing(options.requirements))
    else:
        sys.exit(provide(options.requirements, options.environment.absolute(), home=Path.home()) or None)


if __name__ == "__main__":
    main()
