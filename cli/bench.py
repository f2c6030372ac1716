"""`./lab bench`: a benchmark of bench/, run as anyone can run it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from cli import images, paths
from cli.errors import LabError
from cli.place import tools

if TYPE_CHECKING:
    from collections.abc import Sequence


def bench(name: str, arguments: Sequence[str]) -> None:
    """Run `bench/<name>.py` with `arguments`; ends with its exit code. Raises LabError for one that is not there."""
    known = sorted(path.stem for path in (paths.ROOT / "bench").glob("[a-z]*.py"))
    if name not in known:
        raise LabError(f"There is no benchmark {name}. There are: {', '.join(known)}.")
    images.install()
    command = [sys.executable, "-m", f"bench.{name}", *arguments]
    sys.exit(subprocess.run(command, cwd=paths.ROOT, env=tools(), check=False).returncode)
