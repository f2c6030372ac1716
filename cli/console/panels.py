"""The console's panels: which sources each is made of, and its HTML, made once for all pages that show it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

import pages
from cli.aws import lease
from cli.aws.bill import usd
from cli.aws.tuning_jobs import short
from cli.console.actions import ACTIONS
from cli.overview import MOST_ASKED, Overview, ago

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.aws.collector import Collector
    from cli.aws.session import Session
    from cli.console.actions import Actions
    from infra.settings import Settings
    from pages.access import Access

ACTIONS_PANEL = "actions"
PANELS: Mapping[str, Sequence[str]] = {
    "lab": ("stacks", "paused", "lease", "bill"),
    "seats": ("stacks", "notebooks", "jobs", "activity", "bill"),
    "jobs": ("jobs",),
    "endpoints": ("endpoints", "loads", "examples"),
    "tuning": ("tuning",),
    "drift": ("drift", "drift_report"),
    "quotas": ("quotas",),
    ACTIONS_PANEL: (),
}
_HERE = Path(__file__).parent
STATIC = _HERE / "static"
_SHOWN = 12  # jobs and the like, before "more"
_WIDTH, _HEIGHT, _EDGE = 120, 28, 2.5  # of a small curve


class Pages:
    """Renders pages and panels of one lab."""

    def __init__(self, session: Session, lab: Settings, collector: Collector, entrance: Access) -> None:
        self._collector, self._lab = collector, lab
        self._lock = threading.Lock()
        self._made: dict[str, tuple[list[object], str]] = {}  # what each was made of, and its HTML
        self.actions: Actions | None = None
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([_HERE / "templates", pages.TEMPLATES]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "form_token": entrance.form_token,
            "home": entrance.home,
            "lab": lab,
            "session": session,
            "shown": _SHOWN,
            "actions": ACTIONS,
        }
        self._environment.filters |= {
            "ago": lambda moment: ago(moment, datetime.now(UTC)),
            "clock": lease.format_time,
            "curve": curve,
            "dots": dots,
            "short": short,
            "span": lease.format_span,
            "usd": usd,
        }

    def page(self, template: str, **what: Any) -> str:
        """Render a page."""
        return self._environment.get_template(template).render(**what)

    def whole(self) -> str:
        """Render the console with what is known now: nobody waits for AWS."""
        return self.page("console.html", panels={name: self.panel(name) for name in PANELS})

    def panel(self, name: str) -> str:
        """Render a panel, unless it is what it was."""
        readings = self._collector.readings()
        runs = [*self.actions.runs] if self.actions else []
        overview = Overview.of(self._lab, readings)
        made_of: list[object] = [overview.outage, *(readings[source] for source in PANELS[name])]
        if name == ACTIONS_PANEL:
            made_of = [(run.number, run.outcome) for run in runs]
        with self._lock:
            before, html = self._made.get(name, ([], ""))
        if html and before == made_of:
            return html
        html = self.page(f"panels/{name}.html", overview=overview, runs=runs[::-1])
        with self._lock:
            self._made[name] = made_of, html
        return html


def affected(sources: Sequence[str]) -> list[str]:
    """Return the panels that show one of these sources, or a reason that may be everything's."""
    if {*MOST_ASKED} & {*sources}:
        return [*PANELS]
    return [name for name, own in PANELS.items() if set(own) & {*sources} or name in sources]


def curve(values: Sequence[float | None]) -> str:
    """Return the points of a polyline through the values that are there, from zero to the greatest."""
    return " ".join(f"{x},{y}" for x, y in dots(values))


def dots(values: Sequence[float | None], *, from_zero: bool = True) -> list[tuple[float, float]]:
    """Return where the values that are there lie, from zero or from the least to the greatest."""
    there = [value for value in values if value is not None]
    least, most = 0.0 if from_zero else min(there, default=0.0), max(there, default=0.0)
    across, up = _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _EDGE
    step, range_ = across / max(1, len(values) - 1), (most - least) or 1.0
    return [
        (round(_EDGE + number * step, 1), round(_HEIGHT - _EDGE - up * (value - least) / range_, 1))
        for number, value in enumerate(values)
        if value is not None
    ]
