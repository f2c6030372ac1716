"""`./lab drift`: what the monitor has found in what the endpoint was asked, and a picture of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from cli import settings
from cli.aws.drift import Drift
from cli.aws.session import connect
from cli.ui import screen
from cli.ui.errors import LabError
from cli.ui.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cli.aws.drift import Run
    from cli.aws.session import Target

_RUNS = 10
_NO_DATA = "Job inputs had no data"
_COLOURS = {"Completed": "green", "CompletedWithViolations": "red", "Failed": "yellow"}


def drift(target: Target, context: Sequence[str], *, picture: Path, as_json: bool) -> None:
    """Print the last runs and what the latest of them with a report has found; write its picture."""
    lab = settings.read(context)
    found = Drift(connect(target), lab.name)
    status = found.schedule()
    if status is None:
        raise LabError(f"Nothing looks for drift in {lab.name}: `./lab up -c lab.monitor=hourly` has it done.")
    runs = found.runs(_RUNS)
    reported = found.latest_report(runs)
    if as_json:
        documents = [run.document() for run in runs]
        print(
            json.dumps({"schedule": status, "runs": documents, "report": reported[1] if reported else None}, indent=2)
        )
        return
    if not runs:
        screen.console.print(f"The schedule is {status}; its first run is at the next full hour.", soft_wrap=True)
        return
    _table(runs).show()
    if reported:
        run, report = reported
        _show(report)
        if found.picture(run, picture):
            screen.console.print(f"\nWhich photos have moved, and how: {escape(str(picture))}", soft_wrap=True)


def _table(runs: Sequence[Run]) -> Table:
    table = Table("run", "status", "")
    for run in runs:
        reason = "nobody asked the endpoint" if run.reason == _NO_DATA else run.reason
        colour = _COLOURS.get(run.status, "yellow")
        table.add_row(f"{run.due:%Y-%m-%d %H:%M}", f"[{colour}]{run.status}[/]", escape(reason))
    return table


def _show(report: dict[str, Any]) -> None:
    """Print what a run has compared, what has drifted first."""
    images, rate = report["images"], report["false_alarms"]
    if not report["tests"]:
        screen.console.print(f"\n{images} images are too few to be compared.", soft_wrap=True)
        return
    screen.console.print(
        f"\n{images} images, compared with those that the model was tested with; without drift one run in "
        f"{1 / rate:.0f} has any:",
        soft_wrap=True,
    )
    table = Table("what", "", Column("p", numbers=True), "")
    for test in sorted(report["tests"], key=lambda each: each["adjusted_p_value"]):
        said = "[red]drift[/]" if test["drifted"] else "[green]same[/]"
        table.add_row(test["name"].replace("_", " "), said, f"{test['adjusted_p_value']:.2g}", escape(test["words"]))
    table.show()
