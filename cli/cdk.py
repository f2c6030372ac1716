"""The CDK CLI, run as it is; what it prints goes to a log file that an error names."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

from cli import paths
from cli.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cli.place import Place

_QUIET = ["--no-notices", "--no-color"]
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def synth(place: Place, context: Sequence[str]) -> None:
    """Synthesise the app to `paths.ASSEMBLY`. `context` holds `KEY=VALUE` pairs.

    Raises LabError with what the app said: it names a wrong setting in one sentence.
    """
    options = [option for pair in context for option in ("-c", pair)]
    output = paths.LOGS / "synth.log"
    if _run(place, ["synth", "--quiet", "--output", str(paths.ASSEMBLY), *options], output):
        raise LabError(_own_words(output))


def stack_names() -> list[str]:
    """The stacks of the synthesised app, in its order."""
    manifest = json.loads((paths.ASSEMBLY / "manifest.json").read_text())
    stacks = {k: a for k, a in manifest["artifacts"].items() if a["type"] == "aws:cloudformation:stack"}
    return [artifact["properties"].get("stackName", name) for name, artifact in stacks.items()]


def bootstrap(place: Place) -> None:
    """Make the account and region ready for the CDK (a stack named CDKToolkit)."""
    output = paths.LOGS / "bootstrap.log"
    if _run(place, ["bootstrap", f"aws://{place.account}/{place.region}"], output):
        raise LabError(f"`cdk bootstrap` failed: {_own_words(output)} The whole log is {output}.")


def deploy(place: Place) -> bool:
    """Deploy every stack of the synthesised app; false if it failed (the stacks' events say why)."""
    command = ["deploy", "--all", "--app", str(paths.ASSEMBLY), "--require-approval", "never"]
    return not _run(place, [*command, "--concurrency", "8", "--progress", "events"], deploy_log())


def deploy_log() -> Path:
    """The file that holds what the last `cdk deploy` printed."""
    return paths.LOGS / "deploy.log"


def last_words(output: Path) -> str:
    """The error that the CDK CLI ended with."""
    return _own_words(output)


def _run(place: Place, arguments: Sequence[str], output: Path) -> int:
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("wb") as log:
        return subprocess.run(
            [str(paths.CDK), *arguments, *_QUIET],
            cwd=paths.ROOT,
            env=place.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        ).returncode


def _own_words(output: Path) -> str:
    """What was said before the CLI's own remark that the app ended with an error."""
    lines = [_ESCAPES.sub("", line).rstrip() for line in output.read_text(errors="replace").splitlines()]
    said = [line for line in lines if line and "Subprocess exited with error" not in line]
    return "\n".join(said[-12:]) or f"It said nothing; the log is {output}."
