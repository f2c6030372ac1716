"""Programs that check something: run to their end, ours or those that need an environment of their own."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from cli import paths
from cli.errors import LabError
from cli.place import tools
from embedded_aws.runtime import images

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENVIRONMENTS = paths.ROOT / "cli" / "environments"  # each with its pins, which ours can't share


def installed(name: str) -> list[str]:
    """How a program of an environment of its own is called; installed at its first use, as images are."""
    image = images.install(name, images_dir=_ENVIRONMENTS, cache_dir=paths.cache())
    return [str(image.python), str(image.python.with_name(name))]


def output(command: Sequence[str]) -> str:
    """What a program writes to its standard output. Raises LabError, with the end of what it said, if it fails."""
    done = run(command)
    if done.returncode:
        raise LabError(f"`{' '.join(command[:3])} …` failed:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A program that has ended, with what it said."""
    return subprocess.run(
        command,
        cwd=paths.ROOT,
        # The CDK's engine warns of Node releases that are not on its list, checkov's Python of its own packages.
        env={**tools(), "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1", "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
