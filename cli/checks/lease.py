"""The lease that the lab is about to get: whether it is long enough for anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cli.checks.finding import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.finding import Subject

# What storage, an endpoint and a notebook instance take on AWS, together; [inf], from what their users report.
_DEPLOYING = timedelta(minutes=15)


def check(subject: Subject) -> Iterator[Finding]:
    """Compare the lease's end with now, and with what the deployment and its training job may take."""
    lease = subject.settings.lease
    now = datetime.now(UTC)
    if lease is None:
        yield Finding("lease", State.HINT, "no lab.lease: the lab costs until `./lab down`; `8h`, say, ends it")
        return
    end = lease.end(now)
    needed = _DEPLOYING + timedelta(seconds=subject.settings.max_run)
    when = f"{end:%Y-%m-%d %H:%M} UTC"
    if end <= now:
        yield Finding("lease", State.WRONG, f"lab.lease = {str(lease)!r} is over: name a time after now, or a duration")
    elif end - now < needed:
        text = (
            f"lab.lease = {str(lease)!r} ends at {when}, and to deploy and train may take "
            f"{_minutes(needed)} minutes: make it longer, or --force"
        )
        yield Finding("lease", State.RISKY, text)
    else:
        yield Finding("lease", State.OK, f"ends by itself at {when}")


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)
