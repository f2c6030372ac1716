"""The jobs of the lab and its seats, of every kind, as SageMaker lists them; and how one is stopped.

Members are botocore's: a processing or transform job is listed with why it failed, of a training or tuning job only its
description says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cli.aws import seats
from cli.aws.instance_counts import JOB_WITH_INSTANCES, JOBS, TRAINING
from cli.ui.errors import LabError
from teardown import refusals
from teardown.names import prefix
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from cli.aws.instance_counts import JobType
    from cli.aws.session import Session

TUNING = "tuning job"
KINDS = (*(kind.name for kind in JOBS), TUNING)
_NEWEST = 100  # of each kind: one page
_ENDED_BADLY = "Failed"


@dataclass(frozen=True)
class Job:
    """One job; `stage` is its SecondaryStatus, `failure` why it failed as far as that is known."""

    kind: str
    name: str
    status: str
    created: datetime
    seat: str | None = None
    stage: str = ""
    changed: datetime | None = None
    ended: datetime | None = None
    failure: str = ""

    @property
    def runs(self) -> bool:
        """Return whether it has not ended."""
        return self.status in JOB_WITH_INSTANCES

    @property
    def failed(self) -> bool:
        """Return whether it has ended badly."""
        return self.status == _ENDED_BADLY

    @property
    def last_seen(self) -> datetime:
        """Return when something happened to it the last time."""
        return max(filter(None, (self.created, self.changed, self.ended)))


class JobListing:
    """Lists the newest jobs of a lab; why one failed it asks for once."""

    def __init__(self, session: Session, lab: str) -> None:
        self._sagemaker = session.client("sagemaker")
        self._lab = lab
        self._failures: dict[str, str] = {}

    def read(self, seat_names: Iterable[str]) -> list[Job]:
        """List the jobs but tuning jobs, newest first; of a seat it is by what its name begins with."""
        known = sorted(seat_names)
        found = [self._job(kind, each, known) for kind in JOBS for each in self._newest(kind)]
        found.sort(key=lambda job: job.created, reverse=True)
        return self._with_failures(found)

    def _newest(self, kind: JobType) -> list[dict[str, Any]]:
        list_jobs = getattr(self._sagemaker, f"list_{kind.stem.lower()}_jobs")
        newest = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": _NEWEST}
        listed = list_jobs(NameContains=prefix(self._lab), **newest)[f"{kind.stem}JobSummaries"]
        return [each for each in listed if each[kind.name_member].startswith(prefix(self._lab))]

    def _job(self, kind: JobType, listed: Mapping[str, Any], known: Sequence[str]) -> Job:
        name = listed[kind.name_member]
        status = kind.status(listed)
        return Job(
            kind=kind.name,
            name=name,
            status=status,
            created=listed["CreationTime"],
            seat=seats.owner_of(name, self._lab, known),
            stage=listed.get("SecondaryStatus", "") if status in JOB_WITH_INSTANCES else "",
            changed=listed.get("LastModifiedTime"),
            ended=listed.get(f"{kind.stem}EndTime"),
            failure=listed.get("FailureReason", ""),
        )

    def _with_failures(self, found: Sequence[Job]) -> list[Job]:
        """Add why those training jobs failed that are the newest of their seat: of others nobody asks here."""
        newest: dict[str | None, Job] = {}
        for job in found:
            newest.setdefault(job.seat, job)
        asked = {job.name for job in newest.values() if job.failed and job.kind == TRAINING.name}
        for name in asked - self._failures.keys():
            self._failures[name] = str(TRAINING.describe(self._sagemaker, name).get("FailureReason", ""))
        return [replace(job, failure=self._failures[job.name]) if job.name in asked else job for job in found]


def kind_named(name: str) -> JobType:
    """Return the kind of job of this name. Raises LabError if there is none."""
    for kind in JOBS:
        if name == kind.name:
            return kind
    raise LabError(f"There are no {name}s: a job is a {', a '.join(KINDS)}.")


def stop(session: Session, lab: str, name: str) -> str:
    """Ask SageMaker to stop the lab's job of this name, of whatever kind; return its kind.

    Raises LabError if there is none, or if it has ended.
    """
    if not name.startswith(prefix(lab)):
        raise LabError(f"{name} is no job of the lab {lab}, whose jobs' names begin with {prefix(lab)}.")
    sagemaker = session.client("sagemaker")
    for kind in JOBS:
        with refusals.suppress(Refusal.GONE):
            status = kind.status(kind.describe(sagemaker, name))
            _refuse_ended(kind.name, name, status)
            getattr(sagemaker, f"stop_{kind.stem.lower()}_job")(**{kind.name_member: name})
            return kind.name
    with refusals.suppress(Refusal.GONE):
        asked = {"HyperParameterTuningJobName": name}
        status = sagemaker.describe_hyper_parameter_tuning_job(**asked)["HyperParameterTuningJobStatus"]
        _refuse_ended(TUNING, name, status)
        sagemaker.stop_hyper_parameter_tuning_job(**asked)
        return TUNING
    raise LabError(f"There is no job {name}: `./lab watch` shows those of the lab.")


def _refuse_ended(kind: str, name: str, status: str) -> None:
    if status != JOB_WITH_INSTANCES[0]:
        raise LabError(f"The {kind} {name} is {status}: there is nothing to stop.")
