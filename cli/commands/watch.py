"""`./lab watch`: the lab on one screen of the terminal, as it lives, until Ctrl-C."""

from __future__ import annotations

import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.text import Text

from cli import embedded, lab_sources, settings
from cli.aws import lease
from cli.aws.bill import usd
from cli.aws.session import Target, connect
from cli.overview import Condition, Overview, ago
from cli.ui import live, screen, signals
from cli.ui.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from cli.aws.collector import Collector
    from cli.aws.endpoint_load import Load
    from cli.overview import SeatView
    from infra.settings import Settings

_EVERY = 1.0  # seconds between two drawings; AWS is asked in the collector's rhythm
_FIRST_SECONDS = 60.0  # for all answers, where the output is no terminal
_COLOURS = {
    Condition.BROKEN: "red",
    Condition.STUCK: "red",
    Condition.SLOW: "red",
    Condition.QUIET: "yellow",
    Condition.WORKING: "green",
    Condition.READY: "green",
    Condition.AWAY: "dim",
}
_FEW = 6  # jobs, endpoints and the like, each


def watch(target: Target, context: Sequence[str]) -> None:
    """Show the lab until Ctrl-C; once, where the output is no terminal."""
    lab = settings.read(context)
    session = connect(target)
    ended = threading.Event()
    embedded.stop_watching()  # the screen outlives it, and shows it again when it is back
    where = "AWS" if target is Target.AWS else "the embedded AWS"
    with lab_sources.watching(session, lab) as collector, collector.watching():
        if not sys.stdout.isatty():
            collector.wait_for_all(_FIRST_SECONDS)
            screen.console.print(*_draw(collector, lab, where, sys.maxsize), sep="\n", soft_wrap=True)
            return
        signals.hear(lambda *_: ended.set())
        live.show_until(ended, partial(_draw, collector, lab, where), _EVERY)


def _draw(collector: Collector, lab: Settings, where: str, rows: int) -> list[RenderableType]:
    """Return what a screen of so many rows has: seats that need somebody first, and of the rest what fits."""
    overview = Overview.of(lab, collector.readings())
    head: list[RenderableType] = [Text.from_markup(_title(overview, where))]
    if overview.headline:
        head.append(Text.from_markup(f"[bold]{escape(overview.headline)}[/]"))
    head += [Text.from_markup(f"[red]![/] {escape(problem)}") for problem in overview.problems(*overview.readings)]
    below = [each for each in (_jobs(overview), _endpoints(overview), _others(overview)) if each]
    used = len(head) + sum(2 + size for _, size in below)
    return [
        *head,
        "",
        _seats(overview, max(_FEW, rows - used - 4)),
        *(part for each, _ in below for part in ("", each)),
    ]


def _title(overview: Overview, where: str) -> str:
    end, bill = overview.lease_end, overview.bill
    parts = [f"[bold]{overview.lab.name}[/] on {where}"]
    if end:
        parts.append(f"ends by itself in [bold]{lease.format_span(end - overview.now)}[/]")
    elif overview.is_read("lease"):
        parts.append("no lease")
    if bill:
        parts.append(f"[bold]{usd(bill.hourly)}[/] USD an hour, {usd(bill.so_far)} so far at most")
    return "   ".join(parts)


def _seats(overview: Overview, rows: int) -> RenderableType:
    found = overview.seats()
    if not found:
        return Text("The lab has no seats: `./lab seats add NAME` makes one.")
    table = Table("seat", "", "newest job", "last sign", Column("USD so far", numbers=True), "why")
    for seat in found[:rows]:
        colour = _COLOURS[seat.condition]
        table.add_row(
            f"[bold]{seat.name}[/]",
            f"[{colour}]{seat.condition.name.lower()}[/], {seat.standing}",
            _newest(seat),
            ago(seat.last, overview.now),
            usd(seat.so_far) if seat.so_far is not None else "",
            f"[{colour}]{escape(seat.why)}[/]" if seat.why else "",
        )
    if len(found) > rows:
        table.add_row("…", f"{len(found) - rows} more", "", "", "", "")
    return table


def _newest(seat: SeatView) -> str:
    return f"{seat.job.kind} {seat.job.stage or seat.job.status}" if seat.job else ""


def _jobs(overview: Overview) -> tuple[Table, int] | None:
    found = overview.value("jobs")
    shown = ([job for job in found if job.runs] + [job for job in found if not job.runs])[:_FEW]
    if not shown:
        return None
    table = Table("job", "of", "state", "began")
    for job in shown:
        colour = "red" if job.failed else "yellow" if job.runs else "green"
        said = f"[{colour}]{job.status}[/]{f': {job.stage}' if job.stage else ''}"
        table.add_row(job.name, job.seat or "the lab", said, ago(job.created, overview.now))
    return table, len(shown)


def _endpoints(overview: Overview) -> tuple[Table, int] | None:
    found = overview.value("endpoints")[:_FEW]
    if not found:
        return None
    loads = overview.value("loads", {})
    table = Table("endpoint", "state", "variants", Column("asked in an hour", numbers=True), Column("ms", numbers=True))
    for each in found:
        own = [loads[each.name, v.name] for v in each.variants if (each.name, v.name) in loads]
        variants = ", ".join(f"{v.name} {v.share:.0%}" for v in each.variants)
        latest = next((load.latest for load in own if load.latest is not None), None)
        table.add_row(
            each.name,
            f"{each.status}{f': {escape(each.stage)}' if each.stage else ''}",
            variants,
            _asked(own),
            f"{latest:.1f}" if latest is not None else "",
        )
    return table, len(found)


def _asked(loads: Sequence[Load]) -> str:
    """Return how many requests there were in the last hour, and how many wait."""
    if not loads:
        return ""
    waiting = max(load.waiting for load in loads)
    return f"{sum(load.answered for load in loads):.0f}" + (f", {waiting:.0f} wait" if waiting else "")


def _others(overview: Overview) -> tuple[Table, int] | None:
    """Return tuning jobs that run, drift that was found, and quotas of which little is left."""
    table, rows = Table("", "", ""), 0
    for job in overview.value("tuning"):
        if job.runs:
            of = f" of {job.most}" if job.most else ""
            best = f", the best: {job.best['objective']:.4g}" if job.best else ""
            table.add_row("tuning job", job.name, f"{job.ended_trials}{of} trials have ended{best}")
            rows += 1
    for run in overview.value("drift")[:_FEW]:
        if run.drifted:
            table.add_row("drift", run.schedule, f"[red]found[/] {ago(run.scheduled, overview.now)}")
            rows += 1
    for quota in overview.value("quotas"):
        if quota.used >= quota.allowed:
            table.add_row("quota", quota.name, f"[red]{quota.used} of {quota.allowed} used[/]")
            rows += 1
    return (table, rows) if rows else None
