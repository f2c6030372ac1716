"""`./lab test`: every test, as CI runs it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from cli import images, paths
from cli.place import tools

if TYPE_CHECKING:
    from collections.abc import Sequence


def test(arguments: Sequence[str]) -> None:
    """Run pytest with `arguments`; ends with its exit code."""
    images.install()
    command = [sys.executable, "-m", "pytest", *arguments]
    sys.exit(subprocess.run(command, cwd=paths.ROOT, env=tools(), check=False).returncode)
