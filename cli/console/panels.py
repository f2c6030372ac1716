"""The console's panels: which sources each is made of, and its HTML, made once for all pages that show it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from cli.aws import lease
from cli.aws.bill import usd
from cli.console.actions import ACTIONS
from cli.overview import Overview, ago

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.collector import Collector
    from cli.aws.session import Session
    from cli.console.actions import Actions
    from infra.settings import Settings

ACTIONS_PANEL = "actions"
PANELS = {
    "lab": ("stacks", "paused", "lease", "bill"),
    "seats": ("stacks", "notebooks", "jobs", "activity", "bill"),
    "jobs": ("jobs",),
    "endpoints": ("endpoints", "loads", "examples"),
    "tuning": ("tuning",),
    "drift": ("drift",),
    "quotas": ("quotas",),
    ACTIONS_PANEL: (),
}
_HERE = Path(__file__).parent
STATIC = _HERE / "static"
_SHOWN = 12  # jobs and the like, before "more"


class Pages:
    """Renders pages and panels of one lab."""

    def __init__(self, session: Session, lab: Settings, collector: Collector, form_token: str) -> None:
        self._collector, self._lab = collector, lab
        self._lock = threading.Lock()
        self._made: dict[str, tuple[list[object], str]] = {}  # what each was made of, and its HTML
        self.actions: Actions | None = None
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "form_token": form_token,
            "lab": lab,
            "session": session,
            "shown": _SHOWN,
            "actions": ACTIONS,
        }
        self._environment.filters |= {
            "ago": lambda moment: ago(moment, datetime.now(UTC)),
            "clock": lease.format_time,
            "curve": curve,
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
        made_of: list[object] = [readings[source] for source in PANELS[name]]
        if name == ACTIONS_PANEL:
            made_of = [(run.number, run.outcome) for run in runs]
        with self._lock:
            before, html = self._made.get(name, ([], ""))
        if html and before == made_of:
            return html
        html = self.page(f"panels/{name}.html", overview=Overview.of(self._lab, readings), runs=runs[::-1])
        with self._lock:
            self._made[name] = made_of, html
        return html


def affected(sources: Sequence[str]) -> list[str]:
    """Return the panels that show one of these sources."""
    return [name for name, own in PANELS.items() if set(own) & {*sources} or name in sources]


def curve(values: Sequence[float | None], width: int = 120, height: int = 28) -> str:
    """Return the points of a polyline through the values that are there, in a box of this size."""
    there = [(number, value) for number, value in enumerate(values) if value is not None]
    most = max((value for _, value in there), default=0.0) or 1.0
    step = width / max(1, len(values) - 1)
    return " ".join(f"{number * step:.1f},{height - 1 - (height - 2) * value / most:.1f}" for number, value in there)
