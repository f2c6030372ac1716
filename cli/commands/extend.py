"""`./lab extend`: let the lab stand longer than its lease says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli import settings
from cli.aws import lease, stacks
from cli.aws.session import connect
from cli.ui import screen
from cli.ui.errors import LabError
from infra.lease_term import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Target
    from infra.lease_term import LeaseTerm


def extend(target: Target, context: Sequence[str], by: str, *, as_json: bool) -> None:
    """Let the lab stand longer. Raises LabError for a term that can't be, or a lab without a lease."""
    lab = settings.read(context).name
    term = _term(by)
    session = connect(target)
    current = lease.of_lab(session, lab)
    before, now = current.end(), datetime.now(UTC)
    if before is None:
        standing = stacks.of_lab(session, lab)
        way_out = 'set lab.lease, such as "8h", in cdk.json and run `./lab up`' if standing else "`./lab up` deploys it"
        raise LabError(f"The lab {lab} {'has no lease' if standing else 'is not up'}: {way_out}.")
    if before <= now:
        raise LabError(
            f"The lease of {lab} ended at {lease.format_time(before)}, and the lab is being taken down: "
            "`./lab up` makes it anew when it has gone (`./lab status`)."
        )
    after = term.end(before)
    if after <= before:
        raise LabError(f"{by!r} is not later than the lease's end, {lease.format_time(before)}: name a later time.")
    current.move(after, now=now)
    if as_json:
        print(json.dumps({"lab": lab, "before": before.isoformat(), "end": after.isoformat()}, indent=2))
    else:
        end, was = lease.format_time(after), lease.format_time(before)
        said = f"{lab} ends at {end}, in {lease.format_span(after - now)}; it was {was}."
        screen.console.print(f"[green]✓[/] {said}", soft_wrap=True)


def _term(text: str) -> LeaseTerm:
    try:
        term = parse(text)
    except ValueError as error:
        raise LabError(f"{text!r}: {error}. For example: `./lab extend 2h`.") from None
    if term is None:
        raise LabError("By how long? For example: `./lab extend 2h`.")
    return term
