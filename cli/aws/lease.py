"""The lab's lease as it stands: when the lab ends by itself, and how `./lab extend` moves that."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli import settings
from cli.aws import stacks
from cli.aws.session import connect
from cli.ui import screen
from cli.ui.errors import LabError
from infra.lease import parse
from teardown.lease_schedules import Lease

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from cli.aws.session import Session, Target
    from infra.lease import Lease as Term


def end(session: Session, lab: str) -> datetime | None:
    """When the lab ends by itself; None if it has no lease."""
    return Lease(session.client("scheduler"), lab).end()


def extend(target: Target, context: Sequence[str], by: str, *, as_json: bool) -> None:
    """Let the lab stand longer. Raises LabError for a term that can't be, or a lab without a lease."""
    lab = settings.read(context).name
    term = _term(by)
    session = connect(target)
    lease = Lease(session.client("scheduler"), lab)
    before, now = lease.end(), datetime.now(UTC)
    if before is None:
        standing = stacks.of_lab(session, lab)
        way_out = 'set lab.lease, such as "8h", in cdk.json and run `./lab up`' if standing else "`./lab up` deploys it"
        raise LabError(f"The lab {lab} {'has no lease' if standing else 'is not up'}: {way_out}.")
    if before <= now:
        raise LabError(
            f"The lease of {lab} ended at {shown(before)}, and the lab is being taken down: `./lab up` makes it anew "
            "when it has gone (`./lab status`)."
        )
    after = term.end(before)
    if after <= before:
        raise LabError(f"{by!r} is not later than the lease's end, {shown(before)}: name a later time.")
    lease.move(after, now=now)
    if as_json:
        print(json.dumps({"lab": lab, "before": before.isoformat(), "end": after.isoformat()}, indent=2))
    else:
        screen.console.print(
            f"[green]✓[/] {lab} ends at {shown(after)}, in {span(after - now)}; it was {shown(before)}.",
            soft_wrap=True,
        )


def shown(moment: datetime) -> str:
    """A time for people: UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def span(length: timedelta) -> str:
    """A time span for people, such as "1 d 2 h" or "5 min"."""
    minutes = max(0, int(length.total_seconds() // 60))
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than a minute"


def _term(text: str) -> Term:
    try:
        term = parse(text)
    except ValueError as error:
        raise LabError(f"{text!r}: {error}. For example: `./lab extend 2h`.") from None
    if term is None:
        raise LabError("By how long? For example: `./lab extend 2h`.")
    return term
