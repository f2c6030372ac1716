"""`./lab stop`: stop a job of the lab or of one of its seats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cli import settings
from cli.aws import jobs
from cli.aws.session import connect
from cli.ui import screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Target


def stop(target: Target, context: Sequence[str], name: str, *, as_json: bool) -> None:
    """Ask for the job's end; what it has written to S3 until then stays. Raises LabError if it does not run."""
    kind = jobs.stop(connect(target), settings.read(context).name, name)
    if as_json:
        print(json.dumps({"kind": kind, "name": name, "status": "Stopping"}, indent=2))
    else:
        screen.console.print(f"[green]✓[/] The {kind} {name} is stopping: `./lab watch` shows its end.", soft_wrap=True)
