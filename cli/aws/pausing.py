"""Pausing and resuming what costs while nobody uses it and can be had back as it was.

Endpoints and notebook instances; and monitoring schedules, whose runs would each rent an instance to look at an
endpoint that is not there.

The lab's are those that a teardown would end: those of its name and those whose names begin with `<lab>-`, whoever made
them, unless the tag says otherwise. What is paused is written down in a parameter of Systems Manager each, before it
goes, which is deleted when it is back.

DeleteEndpoint is refused while an endpoint changes; states: SageMaker's API reference. What UpdateEndpointWeights-
AndCapacities changed is not brought back: the config's weights and counts are. How an endpoint is scaled by its load
goes with it, and is brought back by scaling.py. Not compared with AWS: that a notebook
instance whose maintenance is pending runs and can be stopped; if not, it is left out with AWS's sentence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from botocore.exceptions import ClientError

from cli.aws import stacks
from cli.aws.instance_counts import NOTEBOOK_IN_SERVICE
from cli.aws.scaling import EndpointScaling
from infra.handlers.served_model import asynchronous
from teardown import refusals
from teardown.names import LAB_TAG, paused_parameters
from teardown.refusals import Refusal
from teardown.scope import Scope
from teardown.stacks import other_labs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.aws.session import Session

FAILED = "Failed"
IN_SERVICE = "InService"
_AWS = "aws:"  # tags of AWS's own, which nobody else may set


class GoneError(Exception):
    """What was paused can't be brought back; the message says why."""


@dataclass(frozen=True)
class Paused:
    """A paused resource, and what it takes to bring it back: of an endpoint its config's name and its tags."""

    kind: str
    name: str
    config: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    queues: bool = False  # an asynchronous endpoint, whose queue goes with it
    scaling: Sequence[Mapping[str, Any]] = ()  # how an endpoint was scaled, as scaling.py records it

    def document(self) -> dict[str, str]:
        """Return it for programs."""
        return {"kind": self.kind, "name": self.name}


@dataclass(frozen=True)
class ListedResource:
    """A resource as it is listed."""

    status: str
    arn: str


class PausableType(Protocol):
    """A type of resource that can be paused."""

    kind: ClassVar[str]
    passing: ClassVar[frozenset[str]]  # states that do not last
    running: ClassVar[frozenset[str]]  # states that cost, and last
    serving: ClassVar[frozenset[str]]  # those of them in which it is of use

    def done(self, paused: Paused) -> str:
        """Return what pausing did to one."""

    def list(self, lab: str) -> dict[str, ListedResource]:
        """List all whose names may be the lab's, by name."""

    def record(self, name: str) -> Paused:
        """Return what it takes to bring one back. Raises GoneError if nothing could."""

    def failure_reason(self, name: str) -> str:
        """Return why one failed."""

    def pause(self, name: str) -> None:
        """Ask SageMaker to end what costs."""

    def resume(self, paused: Paused, status: str | None) -> None:
        """Ask SageMaker to bring one back from this status, None: it is not there. Raises GoneError if nothing can."""

    def finish(self, paused: Paused) -> None:
        """Bring back, now that it serves, what could not be before."""


@dataclass(frozen=True)
class PausableEndpoints:
    """Endpoints: they are deleted; models and configs stay, and cost nothing."""

    sagemaker: Any
    scaling: EndpointScaling
    kind: ClassVar[str] = "endpoint"
    passing: ClassVar[frozenset[str]] = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
    running: ClassVar[frozenset[str]] = frozenset({IN_SERVICE, "OutOfService", "UpdateRollbackFailed"})
    serving: ClassVar[frozenset[str]] = frozenset({IN_SERVICE})

    def done(self, paused: Paused) -> str:
        """Return what pausing did to one. Requests that were queued stay in S3, but nobody answers them."""
        kept = "deleted, its config is kept"
        return f"{kept}; requests that waited in its queue are to be sent again" if paused.queues else kept

    def list(self, lab: str) -> dict[str, ListedResource]:
        """List all whose names may be the lab's, by name."""
        pages = self.sagemaker.get_paginator("list_endpoints").paginate(NameContains=lab)
        found = [each for page in pages for each in page["Endpoints"]]
        return {
            each["EndpointName"]: ListedResource(each["EndpointStatus"], each["EndpointArn"])
            for each in found
            if Scope(lab=lab).names(each["EndpointName"])
        }

    def record(self, name: str) -> Paused:
        """Return its config's name, and its tags; both the config and its models must be there."""
        found = self._described(name)
        self._check(found["EndpointConfigName"])
        tags = _tags(self.sagemaker, found["EndpointArn"])
        own = {key: value for key, value in tags.items() if not key.startswith(_AWS)}
        queues = asynchronous.is_asynchronous(found)
        scaling = self.scaling.record(name)
        return Paused(self.kind, name, found["EndpointConfigName"], own, queues=queues, scaling=scaling)

    def failure_reason(self, name: str) -> str:
        """Return why one failed."""
        return str(self._described(name).get("FailureReason", FAILED))

    def pause(self, name: str) -> None:
        """Delete it."""
        self.sagemaker.delete_endpoint(EndpointName=name)

    def resume(self, paused: Paused, status: str | None) -> None:
        """Create it anew; one that has failed is deleted before, if it can be."""
        if status not in {FAILED, None}:
            return
        self._check(paused.config)
        if status:
            with refusals.suppress(Refusal.GONE):  # the answer got lost
                self.sagemaker.delete_endpoint(EndpointName=paused.name)
            # boto3 counts attempts: a shorter delay needs more of them for the half hour that its own make.
            half_an_hour: Any = {"Delay": 1, "MaxAttempts": 1800}
            self.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=paused.name, WaiterConfig=half_an_hour)
        tags = [{"Key": key, "Value": value} for key, value in paused.tags.items()]
        self.sagemaker.create_endpoint(EndpointName=paused.name, EndpointConfigName=paused.config, Tags=tags)

    def finish(self, paused: Paused) -> None:
        """Scale it again as it was scaled."""
        self.scaling.restore(paused.scaling)

    def _check(self, config: str) -> None:
        """Raise GoneError unless an endpoint could be made of the config: it outlives both of them while it serves."""
        wanted = f"endpoint config {config}"
        try:
            found = self.sagemaker.describe_endpoint_config(EndpointConfigName=config)
            variants = [*found["ProductionVariants"], *found.get("ShadowProductionVariants", ())]
            for name in (each["ModelName"] for each in variants if "ModelName" in each):
                wanted = f"model {name}"
                self.sagemaker.describe_model(ModelName=name)
        except ClientError as error:
            if refusals.classify(error) is not Refusal.GONE:
                raise
            raise GoneError(f"its {wanted} is gone: whoever made it makes it anew") from None

    def _described(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
        return found


@dataclass(frozen=True)
class PausableNotebookInstances:
    """Notebook instances: they are stopped; their volumes stay, and cost little."""

    sagemaker: Any
    kind: ClassVar[str] = "notebook instance"
    passing: ClassVar[frozenset[str]] = frozenset({"Pending", "Stopping", "Updating", "Deleting", "InMaintenance"})
    running: ClassVar[frozenset[str]] = NOTEBOOK_IN_SERVICE
    serving: ClassVar[frozenset[str]] = NOTEBOOK_IN_SERVICE

    def done(self, paused: Paused) -> str:  # noqa: ARG002 - of an endpoint it depends on it
        """Return what pausing did to one."""
        return "stopped"

    def list(self, lab: str) -> dict[str, ListedResource]:
        """List all whose names may be the lab's, by name."""
        pages = self.sagemaker.get_paginator("list_notebook_instances").paginate(NameContains=lab)
        found = [each for page in pages for each in page["NotebookInstances"]]
        return {
            each["NotebookInstanceName"]: ListedResource(each["NotebookInstanceStatus"], each["NotebookInstanceArn"])
            for each in found
            if Scope(lab=lab).names(each["NotebookInstanceName"])
        }

    def record(self, name: str) -> Paused:
        """Return that it ran."""
        return Paused(self.kind, name)

    def failure_reason(self, name: str) -> str:
        """Return why one failed."""
        found = self.sagemaker.describe_notebook_instance(NotebookInstanceName=name)
        return str(found.get("FailureReason", FAILED))

    def pause(self, name: str) -> None:
        """Stop it."""
        self.sagemaker.stop_notebook_instance(NotebookInstanceName=name)

    def resume(self, paused: Paused, status: str | None) -> None:
        """Start it."""
        if status is None:
            raise GoneError("it was deleted meanwhile")
        if status in {"Stopped", FAILED}:
            self.sagemaker.start_notebook_instance(NotebookInstanceName=paused.name)

    def finish(self, paused: Paused) -> None:
        """Do nothing: it is whole."""


@dataclass(frozen=True)
class PausableMonitoringSchedules:
    """Monitoring schedules: they are stopped; a run that is at work ends by itself."""

    sagemaker: Any
    kind: ClassVar[str] = "monitoring schedule"
    passing: ClassVar[frozenset[str]] = frozenset({"Pending"})
    running: ClassVar[frozenset[str]] = frozenset({"Scheduled"})
    serving: ClassVar[frozenset[str]] = frozenset({"Scheduled"})

    def done(self, paused: Paused) -> str:  # noqa: ARG002 - as of a notebook instance
        """Return what pausing did to one."""
        return "stopped"

    def list(self, lab: str) -> dict[str, ListedResource]:
        """List all whose names may be the lab's, by name; none where the caller may not: not every account has them."""
        with refusals.suppress(Refusal.DENIED):
            pages = self.sagemaker.get_paginator("list_monitoring_schedules").paginate(NameContains=lab)
            found = [each for page in pages for each in page["MonitoringScheduleSummaries"]]
            return {
                each["MonitoringScheduleName"]: ListedResource(
                    each["MonitoringScheduleStatus"], each["MonitoringScheduleArn"]
                )
                for each in found
                if Scope(lab=lab).names(each["MonitoringScheduleName"])
            }
        return {}

    def record(self, name: str) -> Paused:
        """Return that it was scheduled."""
        return Paused(self.kind, name)

    def failure_reason(self, name: str) -> str:
        """Return why one failed."""
        found = self.sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)
        return str(found.get("FailureReason", FAILED))

    def pause(self, name: str) -> None:
        """Stop it."""
        self.sagemaker.stop_monitoring_schedule(MonitoringScheduleName=name)

    def resume(self, paused: Paused, status: str | None) -> None:
        """Start it."""
        if status is None:
            raise GoneError("it was deleted meanwhile")
        if status == "Stopped":
            self.sagemaker.start_monitoring_schedule(MonitoringScheduleName=paused.name)

    def finish(self, paused: Paused) -> None:
        """Do nothing: it is whole."""


def resource_types(session: Session) -> list[PausableType]:
    """Return every type that can be paused; what looks at endpoints before these, then what costs most."""
    sagemaker = session.client("sagemaker")
    return [
        PausableMonitoringSchedules(sagemaker),
        PausableEndpoints(sagemaker, EndpointScaling(session.client("application-autoscaling"))),
        PausableNotebookInstances(sagemaker),
    ]


def scope_of(session: Session, lab: str) -> Scope:
    """Return the scope of the lab's own resources: of no other lab whose name begins like this one's."""
    return Scope(lab=lab, others=other_labs(stacks.every(session), lab))


def in_scope(session: Session, scope: Scope, listed: Mapping[str, ListedResource]) -> list[str]:
    """Return the names of those listed that are in the scope, and are there still."""
    sagemaker, found = session.client("sagemaker"), []
    for name, summary in listed.items():
        try:
            if scope.has(name, _tags(sagemaker, summary.arn)):
                found.append(name)
        except ClientError as error:
            if refusals.classify(error) is not Refusal.GONE:
                raise
    return found


def end_warm_pools(session: Session, scope: Scope) -> list[str]:
    """End the warm pools that the lab's training jobs left for the next one, and that are billed until it comes.

    Returns the names of their jobs. What a pool would have spared the next job, that job does itself.
    """
    sagemaker = session.client("sagemaker")
    pages = sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains=scope.lab, WarmPoolStatusEquals="Available"
    )
    pools = {
        job["TrainingJobName"]: ListedResource(job["WarmPoolStatus"]["Status"], job["TrainingJobArn"])
        for page in pages
        for job in page["TrainingJobSummaries"]
        if scope.names(job["TrainingJobName"])
    }
    ended = in_scope(session, scope, pools)
    for name in ended:
        try:
            sagemaker.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0})
        except ClientError:
            job = sagemaker.describe_training_job(TrainingJobName=name)
            if job.get("WarmPoolStatus", {}).get("Status") == "Available":  # else it has ended: the answer got lost
                raise
    return ended


def find_paused(session: Session, lab: str) -> list[Paused]:
    """Return all that is written down as paused."""
    path = paused_parameters(lab)
    pages = session.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
    return [_read(p["Name"].removeprefix(f"{path}/"), p["Value"]) for page in pages for p in page["Parameters"]]


def write_down(session: Session, lab: str, paused: Paused) -> None:
    """Write down that this is paused, in the place of what an interrupted pause may have written."""
    ssm = session.client("ssm")
    request = {
        "Name": _parameter(lab, paused),
        "Description": f"What of the lab {lab} is paused",
        "Value": json.dumps({"config": paused.config, "tags": dict(paused.tags), **_scaling(paused)}),
        "Type": "String",
        "Tier": "Intelligent-Tiering",  # fifty long tags are more than a standard parameter holds
    }
    try:
        ssm.put_parameter(**request, Tags=[{"Key": LAB_TAG, "Value": lab}])
    except ssm.exceptions.ParameterAlreadyExists:
        ssm.put_parameter(**request, Overwrite=True)


def forget(session: Session, lab: str, paused: Paused) -> None:
    """Delete what was written down: it is back, or never will be."""
    ssm = session.client("ssm")
    try:
        ssm.delete_parameter(Name=_parameter(lab, paused))
    except ssm.exceptions.ParameterNotFound:
        return


def _scaling(paused: Paused) -> dict[str, Any]:
    return {"scaling": [*paused.scaling]} if paused.scaling else {}


def _read(name: str, value: str) -> Paused:
    kind, _, resource = name.partition("/")
    document = json.loads(value)
    scaling = document.get("scaling", ())
    return Paused(kind.replace("-", " "), resource, document["config"], document["tags"], scaling=scaling)


def _parameter(lab: str, paused: Paused) -> str:
    return f"{paused_parameters(lab)}/{paused.kind.replace(' ', '-')}/{paused.name}"


def _tags(sagemaker: Any, arn: str) -> dict[str, str]:
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
