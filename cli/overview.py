"""The lab at a glance, made of a collector's readings: the same for a terminal and for a page.

A seat's condition says whom to help first. Nobody is told what a student thinks: what is known are the states of stack
and notebook, how the newest job ended, and when something happened the last time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from cli.aws import seats
from cli.aws.bill import total
from cli.aws.instance_counts import NOTEBOOK_IN_SERVICE
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.aws.bill import Bill
    from cli.aws.collector import Reading
    from cli.aws.jobs import Job
    from cli.aws.seats import SeatStatus
    from infra.settings import Settings

_QUIET = timedelta(minutes=30)  # without a sign in a notebook that runs
_SLOW = timedelta(minutes=10)  # for a notebook instance to start or stop
_NAMED = 3  # stacks that a sentence names
MOST_ASKED = ("stacks", "notebooks", "jobs")
"""The sources that are asked most often: a reason that two of them share is everything's, for rights differ."""


class Condition(IntEnum):
    """How a seat fares; the lower, the sooner somebody should look."""

    BROKEN = 0
    STUCK = 1
    SLOW = 2
    QUIET = 3
    WORKING = 4
    READY = 5
    AWAY = 6


@dataclass(frozen=True)
class SeatView:
    """A seat: its condition, and the words for it."""

    name: str
    condition: Condition
    standing: str
    why: str
    job: Job | None
    running_jobs: int
    last: datetime | None
    hourly: float | None
    so_far: float | None

    @property
    def needs_help(self) -> bool:
        """Return whether somebody should look."""
        return self.condition in {Condition.BROKEN, Condition.STUCK, Condition.SLOW}


@dataclass(frozen=True)
class Overview:
    """A lab as it was read; `readings` by source."""

    lab: Settings
    readings: Mapping[str, Reading]
    now: datetime

    @classmethod
    def of(cls, lab: Settings, readings: Mapping[str, Reading]) -> Overview:
        """Take the readings as they are now."""
        return cls(lab, readings, datetime.now(UTC))

    def value(self, source: str, otherwise: Any = ()) -> Any:
        """Return the last value of a source, or what to take where there is none."""
        found = self.readings[source].value
        return otherwise if found is None else found

    def problems(self, *sources: str) -> list[str]:
        """Return why sources have no newer value, each reason once; what holds for all is the headline's."""
        said = dict.fromkeys(self.readings[source].problem for source in sources)
        return [each for each in said if each and each != self.outage]

    @property
    def outage(self) -> str:
        """Return the one reason why nothing is answered any more: no network, no credentials; "" where something is."""
        said = Counter(problem for source in MOST_ASKED if (problem := self.readings[source].problem))
        return next((problem for problem, times in said.items() if times > 1), "")

    def is_read(self, *sources: str) -> bool:
        """Return whether all of these were asked for once."""
        return all(self.readings[source].is_there for source in sources)

    @property
    def headline(self) -> str:
        """Say in a sentence how the lab stands where it does not simply stand; "" where it does."""
        if self.outage:
            return self.outage
        if not self.is_read("stacks"):
            return "Asking AWS …"
        if self.readings["stacks"].value is None:
            return ""
        found = self.value("stacks")
        failed = [stack.name for stack in found if stack.broken or "ROLLBACK" in stack.status]
        moving = [stack.name for stack in found if stack.moving]
        others = f" and {len(moving) - _NAMED} others" if len(moving) > _NAMED else ""
        sentences = (
            (not found, f"Nothing of the lab {self.lab.name} is deployed: `./lab up` does it."),
            (
                self.value("paused"),
                "The lab is paused: nothing of it runs that costs by the hour. Resume brings it back.",
            ),
            (failed, f"{', '.join(failed)} did not come about: `./lab up` goes on from there."),
            (moving, f"CloudFormation is at work on {', '.join(moving[:_NAMED])}{others}."),
        )
        return next((sentence for holds, sentence in sentences if holds), "")

    @property
    def lease_end(self) -> datetime | None:
        """Return when the lab ends by itself; None if it has no lease, or nobody knows."""
        end: datetime | None = self.readings["lease"].value
        return end

    @property
    def bill(self) -> Bill | None:
        """Return what it costs; None until that is known."""
        found: Bill | None = self.readings["bill"].value
        return found

    def seats(self) -> list[SeatView]:
        """Return every seat, those first who need somebody, then by name."""
        found = seats.combine(self.lab, self.value("stacks"), self.value("notebooks", {}))
        by_seat: dict[str | None, list[Job]] = {}
        for job in self.value("jobs"):
            by_seat.setdefault(job.seat, []).append(job)
        views = [self._seat(each, by_seat.get(each.name, [])) for each in found]
        return sorted(
            views, key=lambda view: (not view.needs_help, view.condition if view.needs_help else 0, view.name)
        )

    def _seat(self, seat: SeatStatus, own: Sequence[Job]) -> SeatView:
        instance = names.notebook(self.lab.name, seat.name)
        notebook = self.value("notebooks", {}).get(instance, {})
        signs = [self.value("activity", {}).get(instance), *(job.last_seen for job in own)]
        since = notebook.get("LastModifiedTime")
        last = max(filter(None, signs), default=since)
        condition, why = self._condition(seat, own, since, last)
        items = self.bill.by_seat().get(seat.name, []) if self.bill else None
        prices = self.bill.prices if self.bill else None
        return SeatView(
            name=seat.name,
            condition=condition,
            standing=seat.standing,
            why=why,
            job=own[0] if own else None,
            running_jobs=sum(job.runs for job in own),
            last=last,
            hourly=total(item.hourly(prices) for item in items) if items is not None and prices else None,
            so_far=total(item.so_far(prices) for item in items) if items is not None and prices else None,
        )

    def _condition(
        self, seat: SeatStatus, own: Sequence[Job], since: datetime | None, last: datetime | None
    ) -> tuple[Condition, str]:
        """Return how a seat fares, and why one should look if one should."""
        if trouble := self._trouble(seat, own, since):
            return trouble
        if any(job.runs for job in own):
            return Condition.WORKING, ""
        if seat.notebook not in NOTEBOOK_IN_SERVICE:
            return Condition.AWAY, ""
        if last and self.now - last < _QUIET:
            return Condition.WORKING, ""
        return (Condition.QUIET, f"no sign for {_minutes(self.now - last)} min") if last else (Condition.READY, "")

    def _trouble(self, seat: SeatStatus, own: Sequence[Job], since: datetime | None) -> tuple[Condition, str] | None:
        """Return what somebody should help with; None if nothing is known."""
        if seat.notebook == "Failed" or any(word in (seat.stack or "") for word in ("ROLLBACK", "FAILED")):
            return Condition.BROKEN, f"the notebook is {seat.notebook or 'not there'}, its stack {seat.stack}"
        if own and own[0].failed:
            said = _cause(own[0].failure)
            return Condition.STUCK, f"its newest {own[0].kind} failed" + (f": {said}" if said else "")
        if seat.notebook in {"Pending", "Stopping", "Updating"} and since and self.now - since > _SLOW:
            return Condition.SLOW, f"the notebook has been {seat.notebook} for {_minutes(self.now - since)} min"
        return None


def _cause(failure: str) -> str:
    """Return the line that says most of a FailureReason: the program's own, where AWS's toolkit has put it in."""
    lines = [line.strip() for line in failure.splitlines()] or [""]
    named = (line.removeprefix("ErrorMessage ").strip('"') for line in lines if line.startswith("ErrorMessage "))
    return next(named, lines[0])


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago something was, for people: "4 min"; "" if nobody knows."""
    if moment is None:
        return ""
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"
