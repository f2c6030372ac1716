"""What is asked about a lab that is watched, and how often: the sources of `./lab watch` and `./lab console`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from cli.aws import (
    captured_examples,
    endpoint_load,
    jobs,
    lease,
    monitoring_runs,
    notebook_activity,
    pausing,
    seats,
    stacks,
)
from cli.aws.bill import Bill
from cli.aws.collector import Collector, Source
from cli.aws.drift import Drift
from cli.aws.session import Target
from cli.aws.tuning_jobs import TuningListing
from cli.checks import quotas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.aws.captured_examples import Example
    from cli.aws.endpoint_load import Load
    from cli.aws.jobs import Job
    from cli.aws.session import Session
    from cli.checks.quotas import AppliedQuota, QuotaUse
    from infra.settings import Settings

_QUOTAS_KEPT = 3600.0  # seconds
_ATTEMPTS = 2  # of a call: what is asked again in seconds anyway is not asked eight times
_DRIFT_RUNS = 5  # of which the latest report is looked for
_UNREACHABLE = {
    Target.AWS: "AWS does not answer: is this machine online? It is asked on.",
    Target.EMBEDDED: "The embedded AWS does not answer: if it has ended, `./lab status` brings it back.",
}


def watching(session: Session, lab: Settings) -> Collector:
    """Return the collector of a lab that is watched."""
    return Collector(_of_lab(replace(session, attempts=_ATTEMPTS), lab), _UNREACHABLE[session.target])


def _of_lab(session: Session, lab: Settings) -> list[Source]:
    """Return the sources of a lab: what moves is asked every few seconds, what costs AWS pages of calls by minutes."""
    seats_asked = _Seats(session, lab)
    endpoints = _Endpoints(session, lab, seats_asked)
    return [
        Source("stacks", seats_asked.stacks, 5),
        Source("notebooks", partial(seats.notebooks, session, lab.name), 5),
        Source("jobs", _Jobs(session, lab, seats_asked).read, 4),
        Source("tuning", TuningListing(session, lab.name).read, 8),
        Source("endpoints", endpoints.read, 5),
        Source("loads", endpoints.loads, 30),
        Source("examples", endpoints.examples, 15),
        Source("drift", partial(monitoring_runs.read, session, lab.name), 20),
        Source("drift_report", partial(_drift_report, session, lab.name), 60),
        Source("lease", partial(lease.end, session, lab.name), 15),
        Source("paused", partial(pausing.find_paused, session, lab.name), 10),
        Source("activity", partial(notebook_activity.read, session, lab.name), 45),
        Source("quotas", _Quotas(session, lab).read, 60),
        Source("bill", partial(Bill.of, session, lab), 90),
    ]


class _Seats:
    """The seats' names: those of the settings, and those that have a stack."""

    def __init__(self, session: Session, lab: Settings) -> None:
        self._session, self._lab = session, lab
        self.names = {seat.name for seat in lab.seats}

    def stacks(self) -> list[stacks.Stack]:
        """List the lab's stacks."""
        found = stacks.of_lab(self._session, self._lab.name)
        self.names = {seat.name for seat in self._lab.seats} | {stack.seat for stack in found if stack.seat}
        return found


class _Jobs:
    def __init__(self, session: Session, lab: Settings, known: _Seats) -> None:
        self._listing, self._known = jobs.JobListing(session, lab.name), known

    def read(self) -> list[Job]:
        """List the lab's jobs."""
        return self._listing.read(self._known.names)


class _Endpoints:
    """The endpoints, and what is asked about those that were found the last time."""

    def __init__(self, session: Session, lab: Settings, known: _Seats) -> None:
        self._session, self._lab, self._known = session, lab, known
        self._found: list[endpoint_load.ServedEndpoint] | None = None

    def read(self) -> list[endpoint_load.ServedEndpoint]:
        """Describe them."""
        self._found = endpoint_load.read(self._session, self._lab.name, self._known.names)
        return self._found

    def loads(self) -> dict[tuple[str, str], Load]:
        """Ask CloudWatch what they had to do."""
        return endpoint_load.loads(self._session, self._last(), datetime.now(UTC))

    def examples(self) -> dict[str, list[Example]]:
        """Look for what they captured."""
        return captured_examples.read(self._session, self._last(), datetime.now(UTC))

    def _last(self) -> list[endpoint_load.ServedEndpoint]:
        return self.read() if self._found is None else self._found


@dataclass(frozen=True)
class DriftReport:
    """The lab's schedule, and what its latest run with a report has found, with a picture, a PNG."""

    schedule: str
    due: datetime | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    picture: bytes = b""


def _drift_report(session: Session, lab: str) -> DriftReport | None:
    found = Drift(session, lab)
    if (schedule := found.schedule()) is None:
        return None
    if not (latest := found.latest_report(found.runs(_DRIFT_RUNS))):
        return DriftReport(schedule)
    run, report = latest
    return DriftReport(schedule, run.due, report, found.picture_of(run))


class _Quotas:
    """The quotas' use; what is allowed is asked once an hour."""

    def __init__(self, session: Session, lab: Settings) -> None:
        self._session, self._lab = session, lab
        self._allowed: dict[str, AppliedQuota] = {}
        self._at = 0.0

    def read(self) -> list[QuotaUse]:
        """Return each quota with its use."""
        now = datetime.now(UTC).timestamp()
        if now - self._at > _QUOTAS_KEPT:
            self._allowed, self._at = quotas.allowed(self._session, self._lab), now
        return quotas.uses(self._session, self._lab, self._allowed)
