"""The lease that the lab is about to get: whether it is long enough for anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cli.aws import lease
from cli.checks.result import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Subject

# What storage, an endpoint and a notebook instance take on AWS, together: an estimate, not measured there.
_DEPLOYING = timedelta(minutes=15)


def check(subject: Subject) -> Iterator[Finding]:
    """Compare the lease's end with now, and with what the deployment and its training job may take."""
    term, now = subject.settings.lease, datetime.now(UTC)
    if term is None:
        yield Finding("lease", State.HINT, "no lab.lease: the lab costs until `./lab down`; `8h`, say, ends it")
        return
    standing = lease.end(subject.session, subject.settings.name)
    end = term.end(now)
    needed = _DEPLOYING + timedelta(seconds=subject.settings.max_run)
    if standing and standing > now:
        text = f"the lab ends by itself at {lease.shown(standing)}; another lab.lease begins a new one"
        yield Finding("lease", State.OK, text)
    elif standing:
        text = f"the lease ended at {lease.shown(standing)}, and the lab is being taken down: wait, or run `./lab down`"
        yield Finding("lease", State.WRONG, text)
    elif end <= now:
        text = f"lab.lease = {str(term)!r} is over: name a time after now, or a duration"
        yield Finding("lease", State.WRONG, text)
    elif end - now < needed:
        text = (
            f"lab.lease = {str(term)!r} ends at {lease.shown(end)}, and to deploy and train may take "
            f"{_minutes(needed)} minutes: make it longer, or --force"
        )
        yield Finding("lease", State.RISKY, text)
    else:
        yield Finding("lease", State.OK, f"the lab ends by itself at {lease.shown(end)}")


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)
