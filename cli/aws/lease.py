"""The lab's lease: when the lab ends by itself, and how that is said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from teardown.lease_schedules import LeaseSchedules

if TYPE_CHECKING:
    from datetime import timedelta

    from cli.aws.session import Session


def of_lab(session: Session, lab: str) -> LeaseSchedules:
    """Return the lab's lease, which EventBridge's scheduler keeps."""
    return LeaseSchedules(session.client("scheduler"), lab)


def end(session: Session, lab: str) -> datetime | None:
    """Return when the lab ends by itself; None if it has no lease."""
    return of_lab(session, lab).end()


def format_time(moment: datetime) -> str:
    """Return a time for people: UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def format_span(length: timedelta) -> str:
    """Return a time span for people, such as "1 d 2 h" or "5 min"."""
    minutes = max(0, int(length.total_seconds() // 60))
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than a minute"
