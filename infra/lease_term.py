"""The setting `lab.lease`: for how long, or until when, a lab stands before it ends by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(r"(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?")
_LONGEST = timedelta(days=365)
_FORMS = 'must be a duration such as "8h", "90m" or "2d", or a time with its zone such as "2026-12-01T18:00Z"'


@dataclass(frozen=True)
class LeaseTerm:
    """Either a duration, counted from the deployment, or a point in time; `text` is what the user wrote."""

    text: str
    duration: timedelta | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        """Return what the user wrote."""
        return self.text

    def end(self, start: datetime) -> datetime:
        """Return when a lab that is deployed at `start` ends."""
        return self.until or start + (self.duration or timedelta())


def parse(value: object) -> LeaseTerm | None:
    """Read what a user wrote; nothing, "" or None, is no lease. Raises ValueError with the rule."""
    if value is None or isinstance(value, LeaseTerm):
        return value
    text = str(value).strip()
    if not text:
        return None
    return (
        LeaseTerm(text, duration=duration(text)) if _DURATION.fullmatch(text) else LeaseTerm(text, until=_moment(text))
    )


def duration(text: str) -> timedelta:
    """Return a duration such as "8h", "1h30m" or "2d", more than nothing and at most a year. Raises ValueError."""
    found = _DURATION.fullmatch(text.strip())
    parts = {unit: int(number) for unit, number in (found.groupdict() if found else {}).items() if number}
    if not parts or not any(parts.values()):
        raise ValueError(_FORMS)
    try:
        length = timedelta(**parts)
    except OverflowError:
        length = timedelta.max
    if length > _LONGEST:
        raise ValueError(f"must be at most {_LONGEST.days} days")
    return length


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(_FORMS) from None
    if moment.tzinfo is None:
        raise ValueError('must say its time zone: "Z" for UTC, or an offset such as "+01:00"')
    return moment.astimezone(UTC)
