"""The CDK CLI, run as it is; what it prints goes to a log file that an error names."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from cli import paths
from cli.ui import screen
from cli.ui.errors import LabError, disk_behind
from teardown.names import SEAT_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cli.aws.session import Session

_QUIET = ["--no-notices", "--no-color"]
_DONE = re.compile(r"^\s*✅\s+(\S+)", re.MULTILINE)
# The CDK CLI's own words for another one in the same folder, which reads or writes there.
_AT_WORK = re.compile(r"Other CLIs \(PID=([\d,]+)\) are currently|Another CLI \(PID=(\d+)\) is currently")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@contextmanager
def deploy_lock() -> Iterator[None]:
    """Wait, with a sentence, until no other command deploys, and let others wait while the block runs."""
    paths.HOME.mkdir(parents=True, exist_ok=True)
    lock = FileLock(paths.HOME / "deploying.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        screen.errors.print("Another `./lab` command deploys from this checkout: waiting for its end …", soft_wrap=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def synth(session: Session, context: Sequence[str]) -> None:
    """Synthesise the app to `paths.ASSEMBLY`. `context` holds `KEY=VALUE` pairs.

    Raises LabError with what the app said: it names a wrong setting in one sentence.
    """
    options = [option for pair in context for option in ("-c", pair)]
    output = paths.LOGS / "synth.log"
    if _run(session, ["synth", "--quiet", "--output", str(paths.ASSEMBLY), *options], output):
        raise LabError(error_in(output))


@dataclass(frozen=True)
class Assembly:
    """The stacks of the synthesised app, in its order."""

    core: list[str]  # what all share: storage, training job, endpoint
    seats: dict[str, str]  # seat -> its stack

    @property
    def names(self) -> list[str]:
        """Return every stack."""
        return [*self.core, *self.seats.values()]


def assembly() -> Assembly:
    """Read which stacks `synth` has written."""
    manifest = json.loads((paths.ASSEMBLY / "manifest.json").read_text())
    stacks = {k: a["properties"] for k, a in manifest["artifacts"].items() if a["type"] == "aws:cloudformation:stack"}
    named = {properties.get("stackName", key): properties.get("tags", {}) for key, properties in stacks.items()}
    seats = {tags[SEAT_TAG]: name for name, tags in named.items() if SEAT_TAG in tags}
    return Assembly([name for name in named if name not in seats.values()], seats)


def bootstrap(session: Session) -> None:
    """Make the account and region ready for the CDK (a stack named CDKToolkit)."""
    output = paths.LOGS / "bootstrap.log"
    # Away from cdk.json, for it would synthesise the app there: for nothing, and in the way of another lab's.
    if _run(session, ["bootstrap", f"aws://{session.account}/{session.region}"], output, folder=paths.LOGS):
        raise LabError(f"`cdk bootstrap` failed: {error_in(output)} The whole log is {output}.")


def deploy(session: Session, names: Sequence[str], *, concurrency: int, log: Path) -> bool:
    """Deploy these stacks of the synthesised app and no other; false if one failed (its events say why)."""
    command = ["deploy", *names, "--exclusively", "--app", str(paths.ASSEMBLY), "--require-approval", "never"]
    return not _run(session, [*command, "--concurrency", str(concurrency), "--progress", "events"], log)


def deployed(log: Path) -> set[str]:
    """Return the stacks that a `cdk deploy` says it has brought to their end, so far."""
    return set(_DONE.findall(_text(log)))


def failure(log: Path, name: str) -> str:
    """Return what a `cdk deploy` says about a stack's failure; empty if it says nothing about it."""
    said = re.search(rf"❌\s+{re.escape(name)} failed[^\n]*\n?(?:‣ )?([^\n]*)", _text(log))
    return said[1].strip() if said else ""


def error_in(output: Path) -> str:
    """Return the error that the CDK CLI ended with: what was said before its own remark that the app failed."""
    text = _text(output)
    if full := disk_behind(text):
        return full
    if found := _AT_WORK.search(text):
        process = found[1] or found[2]
        return (
            f"Another command of this lab is at work, process {process}: wait until it has ended, then run the same "
            "command again."
        )
    said = [line.rstrip() for line in text.splitlines() if line.strip() and "Subprocess exited with error" not in line]
    return "\n".join(said[-12:]) or f"It said nothing; the log is {output}."


def _run(session: Session, arguments: Sequence[str], output: Path, *, folder: Path = paths.ROOT) -> int:
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("wb") as log:
        return subprocess.run(
            [str(paths.CDK), *arguments, *_QUIET],
            cwd=folder,
            env=session.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        ).returncode


def _text(output: Path) -> str:
    return _ESCAPES.sub("", output.read_text(errors="replace")) if output.exists() else ""
