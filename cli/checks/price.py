"""What the lab will cost: an hour, and until its lease ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.aws.prices import Prices, Use
from cli.checks.result import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Subject
    from infra.settings import Settings

_KEYS = 2  # the storage's and the operations'
_VOLUME_GB = 10  # of each seat's notebook instance
_HOUR = 3600  # seconds


def check(subject: Subject) -> Iterator[Finding]:
    """Add up what the settings ask for, and compare it with the budget."""
    settings = subject.settings
    prices = Prices.of(subject.session, _wanted(settings))
    own, students = _hourly(settings, prices)
    now = datetime.now(UTC)
    hours = max(0.0, (settings.lease.end(now) - now).total_seconds() / _HOUR) if settings.lease else None
    total = None if own is None or hours is None else own * hours
    said = [f"{_usd(own)} USD an hour for the lab as it stands"]
    if settings.seats:
        said.append(f"{_usd(students)} USD more while every student trains and hosts")
    if total is not None:
        said.append(f"{total:.2f} USD until its lease ends, if no notebook stops")
    yield Finding("price", State.OK, f"{'; '.join(said)}. {prices.source}")
    if own and settings.budget and (total is None or total > settings.budget):
        text = (
            f"lab.budget is {settings.budget} USD a month, and at {own:.2f} USD an hour that lasts for "
            f"{settings.budget / own:.0f} hours"
        )
        yield Finding("budget", State.HINT, text)


def _wanted(settings: Settings) -> list[tuple[str, Use]]:
    students = settings.seat_instance_types[0]
    return [
        (settings.endpoint_instance_type, Use.HOSTING),
        (settings.training_instance_type, Use.TRAINING),
        *([(settings.notebook_instance_type, Use.NOTEBOOK)] if settings.seats else []),
        *([(students, Use.HOSTING), (students, Use.TRAINING)] if settings.seats else []),
    ]


def _hourly(settings: Settings, prices: Prices) -> tuple[float | None, float | None]:
    """USD of an hour of the lab, and of one in which its students do all they may; None if a price is not known."""
    seats = len(settings.seats)
    endpoint = prices.hourly(settings.endpoint_instance_type, Use.HOSTING)
    notebook = prices.hourly(settings.notebook_instance_type, Use.NOTEBOOK) if seats else 0.0
    own = None
    if endpoint is not None and notebook is not None:
        own = endpoint + seats * (notebook + prices.volume(_VOLUME_GB)) + _KEYS * prices.key
    hosting, training = (prices.hourly(settings.seat_instance_types[0], use) for use in (Use.HOSTING, Use.TRAINING))
    return own, None if hosting is None or training is None else seats * (hosting + training)


def _usd(amount: float | None) -> str:
    return "an unknown number of" if amount is None else f"{amount:.2f}"
