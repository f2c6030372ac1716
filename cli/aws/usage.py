"""A lab's usage as AWS counts it: endpoints, notebook instances, jobs, keys, dashboard, alarms, with hours and states.

The records of AWS don't tell each start and stop. Where they are silent the hours are the most that can have been: an
endpoint counts since it was created, as it is now; a notebook instance from its creation to its last stop. What was
deleted is in no record. AWS bills instances by the second, a serverless endpoint for the time of its answers, which
CloudWatch knows, and a labeling job for each object that is labeled. Not counted, for they are cents in a lab:
requests, logs, students' alarms, objects in S3, the volumes of endpoints and jobs, Lambda. Not compared with AWS: that
a cold start (ModelSetupTime) is billed; that an asynchronous endpoint's instance costs what any other does.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.aws import drift, instance_counts, labeling_jobs, seats
from cli.aws.instance_counts import (
    ENDPOINT_WITHOUT_INSTANCES,
    JOB_WITH_INSTANCES,
    JOBS,
    NOTEBOOK_WITHOUT_INSTANCE,
    PROCESSING,
    Instances,
    JobType,
)
from cli.aws.line_item import LineItem
from cli.aws.prices import InstanceUse
from teardown import refusals
from teardown.refusals import Refusal
from teardown.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cli.aws.prices import Want
    from cli.aws.session import Session
    from cli.aws.stacks import Stack
    from infra.settings import Settings

_AT_ONCE = 8
_SECONDS = 3600  # of an hour
_DAY = 24 * _SECONDS
_BY_THE_MONTH = {"AWS::KMS::Key": "key", "AWS::CloudWatch::Dashboard": "dashboard", "AWS::CloudWatch::Alarm": "alarm"}
_GONE = {"ValidationException", "ResourceNotFound", "ResourceNotFoundException"}


def read(session: Session, settings: Settings, found: Sequence[Stack], now: datetime) -> list[LineItem]:
    """Read all of the lab that costs, or has cost since the first of its stacks, `found`, was made."""
    lab = _Lab(session, settings, found, now)
    labeling = lab.labeling_jobs() if settings.labelling == "ground-truth" else ()
    return [*lab.endpoints(), *lab.notebooks(), *lab.jobs(), *labeling, *lab.by_the_month()]


class _Lab:
    """The lab's resources, read from SageMaker and CloudFormation."""

    def __init__(self, session: Session, settings: Settings, found: Sequence[Stack], now: datetime) -> None:
        self._name = settings.name
        self._stacks = found
        self._now = now
        self._sagemaker = session.client("sagemaker")
        self._cloudformation = session.client("cloudformation")
        self._session = session
        self._seats = {each.name for each in settings.seats} | {stack.seat for stack in found if stack.seat}

    def endpoints(self) -> list[LineItem]:
        """Read the lab's endpoint, and those that students made."""
        pages = self._sagemaker.get_paginator("list_endpoints").paginate(NameContains=self._name)
        names = [each["EndpointName"] for page in pages for each in page["Endpoints"]]
        return self._each(self._own(names), self._endpoint)

    def notebooks(self) -> list[LineItem]:
        """Read every seat's notebook instance, with its volume."""
        return self._each(seats.notebooks(self._session, self._name), self._notebook)

    def jobs(self) -> list[LineItem]:
        """Read the jobs since the lab was made; without a lab, those that run."""
        only = self._of_this_lab()
        own = {kind: self._own(kind.listed(self._sagemaker, NameContains=self._name, **only)) for kind in JOBS}
        own[PROCESSING] += drift.job_names(self._sagemaker, self._name)
        return [item for kind, found in own.items() for item in self._each(found, partial(self._job, kind))]

    def labeling_jobs(self) -> Iterator[LineItem]:
        """Read Ground Truth's jobs of the same time: their listing tells how many objects are labeled."""
        for job in labeling_jobs.listed(self._sagemaker, self._name, **self._of_this_lab()):
            yield LineItem(
                kind=labeling_jobs.LABELING_JOB,
                name=job.name,
                state=job.status,
                seat=self._seat(job.name),
                hours=0,
                runs=job.runs,
                labeled_objects=job.labeled,
            )

    def by_the_month(self) -> Iterator[LineItem]:
        """Read what has a price a month of that which the lab's stacks own: KMS keys, the dashboard, the alarms."""
        pages = self._cloudformation.get_paginator("list_stack_resources")
        for stack in self._stacks:
            listed = [] if stack.seat else pages.paginate(StackName=stack.name)
            found: dict[str, list[str]] = {}
            for resource in (resource for page in listed for resource in page["StackResourceSummaries"]):
                kind = _BY_THE_MONTH.get(resource["ResourceType"])
                if kind and "PhysicalResourceId" in resource:
                    found.setdefault(kind, []).append(resource["PhysicalResourceId"])
            for kind, names in found.items():
                together = [names] if kind == "alarm" else [[name] for name in names]
                for some in together:
                    yield LineItem(
                        kind=kind,
                        name=", ".join(some),
                        state="",
                        seat=None,
                        hours=self._hours(stack.created),
                        runs=True,
                        by_the_month=len(some),
                    )

    def _endpoint(self, name: str) -> LineItem:
        described = self._sagemaker.describe_endpoint(EndpointName=name)
        state = described["EndpointStatus"]
        runs = state not in ENDPOINT_WITHOUT_INSTANCES
        serverless = instance_counts.serverless_of_endpoint(described)
        return LineItem(
            kind="endpoint",
            name=name,
            state=state,
            seat=self._seat(name),
            hours=self._hours(described["CreationTime"]) if runs else 0,
            runs=runs,
            instances=_for(InstanceUse.HOSTING, instance_counts.of_endpoint(self._sagemaker, described)),
            serverless_mb=sum(megabytes for _, megabytes, _ in serverless),
            answered_gb_seconds=sum(
                self._answered_seconds(described, variant) * megabytes / 1024 for variant, megabytes, _ in serverless
            ),
        )

    def _answered_seconds(self, described: dict[str, Any], variant: str) -> float:
        """Add up the time of a serverless variant's answers and cold starts; 0 if the caller may not read metrics."""
        cloudwatch, microseconds = self._session.client("cloudwatch"), 0.0
        with refusals.suppress(Refusal.DENIED):
            for metric in ("ModelLatency", "ModelSetupTime"):
                points = cloudwatch.get_metric_statistics(
                    Namespace="AWS/SageMaker",
                    MetricName=metric,
                    Dimensions=[
                        {"Name": "EndpointName", "Value": described["EndpointName"]},
                        {"Name": "VariantName", "Value": variant},
                    ],
                    StartTime=described["CreationTime"],
                    EndTime=self._now,
                    Period=_DAY,
                    Statistics=["Sum"],
                )["Datapoints"]
                microseconds += sum(point["Sum"] for point in points)
        return microseconds / 1e6

    def _notebook(self, name: str) -> LineItem:
        described = self._sagemaker.describe_notebook_instance(NotebookInstanceName=name)
        state = described["NotebookInstanceStatus"]
        runs = state not in NOTEBOOK_WITHOUT_INSTANCE
        made = described["CreationTime"]
        return LineItem(
            kind="notebook",
            name=name,
            state=state,
            seat=self._seat(name),
            hours=self._hours(made, None if runs else described["LastModifiedTime"]),
            runs=runs,
            instances=(((described["InstanceType"], InstanceUse.NOTEBOOK), 1),),
            gigabytes=described.get("VolumeSizeInGB", 0),
            volume_hours=self._hours(made),
        )

    def _job(self, kind: JobType, name: str) -> LineItem:
        described = kind.describe(self._sagemaker, name)
        state = kind.status(described)
        started = kind.started(described)
        billed = described.get("BillableTimeInSeconds")  # of training jobs; less than their time on spot instances
        ended = kind.ended(described)
        hours = self._hours(started, ended) if started else 0
        retained = ended is not None and kind.retained(described)
        pool = self._hours(ended) if ended and retained else kind.retained_seconds(described) / _SECONDS
        return LineItem(
            kind=kind.name,
            name=name,
            state=f"{state}, warm pool" if retained else state,
            seat=self._seat(name),
            hours=(hours if billed is None else billed / _SECONDS) + pool,
            runs=retained or state in JOB_WITH_INSTANCES,
            instances=_for(kind.use, kind.instances(described)),
        )

    def _of_this_lab(self) -> dict[str, Any]:
        """Return the filter of a listing of jobs: since the lab was made; without a lab, those that run."""
        made = [stack.created for stack in self._stacks]
        return {"CreationTimeAfter": min(made)} if made else {"StatusEquals": "InProgress"}

    def _seat(self, name: str) -> str | None:
        """Return whose it is: what a student makes bears the seat's name after the lab's."""
        return seats.owner_of(name, self._name, self._seats)

    def _own(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if Scope(lab=self._name).names(name)]

    def _hours(self, start: datetime, end: datetime | None = None) -> float:
        return max(0.0, ((end or self._now) - start.astimezone(UTC)).total_seconds() / _SECONDS)

    @staticmethod
    def _each(names: Iterable[str], describe: Callable[[str], LineItem]) -> list[LineItem]:
        """Describe each; what is deleted between its listing and its description is left out."""

        def found(name: str) -> LineItem | None:
            try:
                return describe(name)
            except ClientError as error:
                if error.response["Error"]["Code"] in _GONE:
                    return None
                raise

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [item for item in pool.map(found, names) if item]


def _for(use: InstanceUse, found: Instances) -> tuple[tuple[Want, int], ...]:
    return tuple(((instance_type, use), count) for instance_type, count in found.items())
