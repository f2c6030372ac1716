"""What the console's buttons do: each is a command of `./lab`, run as its user would, and a line of the audit log.

A command has a session of its own: Ctrl-C in the terminal ends the console, and not half a rebuild.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cli import paths
from cli.programs import tool_environment
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cli.aws.session import Session

AUDIT = paths.HOME / "console" / "audit.jsonl"
_KEPT = 30  # actions that the page shows
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9:.+-]{0,99}")  # a name, a term: never an option
_SAID = 2000  # characters of a command's output


@dataclass(frozen=True)
class Action:
    """A button: its words, the question before, and the command; {of} and {term} are what it is about."""

    label: str
    question: str
    command: tuple[str, ...]
    term: str = ""  # what the field says at first, of an action that asks for one
    force: str = ""  # what --force means, of an action that has it


ACTIONS = {
    "stop": Action("Stop", "Stop the job {of}? What it has written to S3 until now stays.", ("stop", "{of}")),
    "extend": Action("Extend", "Let the lab stand longer? It costs as long.", ("extend", "{term}"), term="1h"),
    "pause": Action(
        "Pause",
        "Pause the lab? Endpoints are deleted, notebooks stopped, warm pools ended; Resume brings them back.",
        ("pause",),
    ),
    "resume": Action("Resume", "Bring the lab back as it was? It costs by the hour again.", ("resume",)),
    "notebook": Action(
        "Open",
        "Open the notebook of {of}? If it is stopped it starts, and costs by the hour.",
        ("notebook", "{of}", "--no-browser", "--json"),
    ),
    "rebuild": Action(
        "Rebuild",
        "Make the seat {of} anew? Its files are kept and brought back; what its student made in SageMaker is gone.",
        ("seats", "rebuild", "{of}"),
        force="Even if the student is at work: what is not saved is lost.",
    ),
}


@dataclass
class Run:
    """An action that was asked for."""

    number: int
    action: str
    of: str
    command: Sequence[str]
    began: datetime
    outcome: str = "running"
    said: str = ""
    over: threading.Event = field(default_factory=threading.Event, repr=False)
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def line(self) -> str:
        """Return the command as one would type it."""
        return " ".join(("./lab", *self.command))


class Actions:
    """Runs commands, and remembers them; who is in `listeners` is called whenever one begins or ends."""

    def __init__(self, session: Session, lab: str, who: str, context: Sequence[str]) -> None:
        self._session, self._lab, self._who = session, lab, who
        self._context = [option for pair in context for option in ("-c", pair)]
        self._lock = threading.Lock()
        self.runs: list[Run] = []
        self.listeners: list[Callable[[], None]] = []

    def start(self, name: str, fields: Mapping[str, str]) -> Run:
        """Start a command. Raises LabError for what is no action, or for one that runs already."""
        action = ACTIONS.get(name)
        if not action:
            raise LabError(f"There is no button {name}: reload the page.")
        given = {key: fields.get(key, "").strip() for key in ("of", "term")}
        for key, value in given.items():
            if any(f"{{{key}}}" in word for word in action.command) and not _WORD.fullmatch(value):
                raise LabError(f"{value!r} is no name or term: letters, digits and - : . + only, and no - at first.")
        command = [word.format(**given) for word in action.command]
        if action.force and fields.get("force"):
            command.append("--force")
        with self._lock:
            if any(run.command == command and not run.over.is_set() for run in self.runs):
                raise LabError(f"`./lab {' '.join(command)}` runs already: its end is shown here.")
            number = self.runs[-1].number + 1 if self.runs else 1
            run = Run(number, name, given["of"], command, datetime.now(UTC))
            self.runs = [*self.runs, run][-_KEPT:]
        self._write(run)
        threading.Thread(target=self._run, args=(run,), name=run.line, daemon=True).start()
        self._tell()
        return run

    def running(self) -> list[Run]:
        """Return what has not ended."""
        return [run for run in self.runs if not run.over.is_set()]

    def interrupt(self) -> None:
        """Let every command that runs end as Ctrl-C ends it."""
        for run in self.running():
            if run.process:
                run.process.send_signal(signal.SIGINT)

    def _run(self, run: Run) -> None:
        try:
            said, failed = self._outcome(run)
        except OSError as error:
            said, failed = str(error), True
        run.said, run.outcome = said[-_SAID:], "failed" if failed else "done"
        self._write(run)
        run.over.set()
        self._tell()

    def _outcome(self, run: Run) -> tuple[str, bool]:
        """Run the command to its end; return what it said, and whether it failed.

        It writes to files: pipes would break under it if the console ended first.
        """
        with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
            run.process = subprocess.Popen(
                [sys.executable, "-m", "cli", *run.command, "--target", str(self._session.target), *self._context],
                cwd=paths.ROOT,
                env={**tool_environment(), "COLUMNS": "200", "NO_COLOR": "1", "PYTHONPATH": str(paths.ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=complained,
                start_new_session=True,
                text=True,
            )
            failed = bool(run.process.wait())
            told = complained if failed else said
            told.seek(0)
            return told.read().strip(), failed

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    def _write(self, run: Run) -> None:
        """Write a line of the audit log: of a notebook's link, which lets its holder in, nothing is kept."""
        record: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": self._who,
            "target": str(self._session.target),
            "account": self._session.account,
            "region": self._session.region,
            "lab": self._lab,
            "command": run.line,
            "outcome": run.outcome,
        }
        if run.outcome == "failed":
            record["said"] = run.said
        AUDIT.parent.mkdir(parents=True, exist_ok=True)
        AUDIT.touch(mode=0o600)
        with AUDIT.open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
