"""`./lab check`: the code and every synthesised template, held against their checkers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from cli import paths, screen
from cli.errors import LabError
from cli.place import tools

if TYPE_CHECKING:
    from collections.abc import Sequence


def check() -> None:
    """Run every checker to its end; raises LabError naming those that found something."""
    with tempfile.TemporaryDirectory() as folder:
        python = [sys.executable, "-m"]
        # With everything in it that a setting can add.
        whole = ["-c", "lab.lease=8h", "-c", "lab.notify=ops@example.org"]
        synth = [str(paths.CDK), "synth", "--quiet", "--no-notices", "--output", folder, *whole]
        checks = {
            "ruff: lint": [*python, "ruff", "check", "--quiet", "."],
            "ruff: format": [*python, "ruff", "format", "--check", "--quiet", "."],
            "mypy --strict": [*python, "mypy", "infra", "emulator", "cli", "datasets", "bench", "app.py", "lab"],
            "mypy --strict: model_code": [*python, "mypy", "--explicit-package-bases", "model_code"],
            "cdk-nag: AwsSolutions": [*synth, "--app", f"{sys.executable} -m infra.audit"],
            "cfn-lint": ["cfn-lint", "--non-zero-exit-code", "warning", "--", f"{folder}/*.template.json"],
        }
        failed = [name for name, command in checks.items() if not _passes(name, command)]
    if failed:
        raise LabError(f"{len(failed)} of {len(checks)} checks found something: {', '.join(failed)}.")


def _passes(name: str, command: Sequence[str]) -> bool:
    started = time.monotonic()
    with screen.console.status(f"{name} …"):
        result = subprocess.run(
            command,
            cwd=paths.ROOT,
            env=tools(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if result.returncode == 0:
        screen.done(name, time.monotonic() - started)
        return True
    screen.console.print(f"[red]✗[/] {name}")
    screen.console.print(result.stdout, markup=False, soft_wrap=True)
    return False
