"""A component's lifecycle as a Greengrass core device runs it: the recipe's own scripts, in a shell.

Sources: Greengrass's guide, "Component recipe reference": the first manifest whose platform fits counts; Skipif is
`onpath PROGRAM` or `exists FILE`; the recipe's variables, which are replaced before a shell sees the script.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"\{(\w+):(/?\w+)\}")
_PLATFORMS = {"linux": "linux", "darwin": "darwin", "win32": "windows"}


class LifecycleError(Exception):
    """Why a script of a recipe could not be run; the message says what to do."""


def lifecycle(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lifecycle for this machine. Raises LifecycleError if the component is for others only."""
    here = _PLATFORMS.get(sys.platform, sys.platform)
    wanted = []
    for manifest in recipe["Manifests"]:
        system = manifest.get("Platform", {}).get("os", "*")
        if system in (here, "*", "all"):
            found: dict[str, Any] = manifest["Lifecycle"]
            return found
        wanted.append(system)
    raise LifecycleError(f"The component is for {', '.join(wanted)}, and this machine runs {here}: run it there.")


def run(
    step: Any, variables: Mapping[str, str], environment: Mapping[str, str], folder: Path, *, output: int | None = None
) -> int:
    """Run a step of the lifecycle in a folder and return its exit code; 0 if its own condition skips it.

    Its standard output is this process's, or goes where subprocess's `stdout` would have it go.
    """
    described = {"Script": step} if isinstance(step, str) else step
    if "Skipif" in described and _is_met(_replaced(described["Skipif"], variables)):
        return 0
    script = _replaced(described["Script"], variables)
    done = subprocess.run(["sh", "-c", script], cwd=folder, env=dict(environment), stdout=output, check=False)
    return done.returncode


def _is_met(condition: str) -> bool:
    kind, _, of = condition.strip().partition(" ")
    return shutil.which(of.strip()) is not None if kind == "onpath" else Path(of.strip()).exists()


def _replaced(text: str, variables: Mapping[str, str]) -> str:
    """Replace the recipe's variables; one that is not known stays as it is, as on a device."""
    return _VARIABLE.sub(lambda found: variables.get(f"{found[1]}:{found[2]}", found[0]), text)
