"""What of a lab costs while nobody uses it, and can be had back as it was: endpoints and notebook instances.

The lab's are those that a teardown would end: those of its name and those whose names begin with `<lab>-`, whoever made
them, unless the tag says otherwise.

DeleteEndpoint is refused while an endpoint changes; states: SageMaker's API reference. What UpdateEndpointWeights-
AndCapacities changed is not brought back: the config's weights and counts are. Not compared with AWS: that a notebook
instance whose maintenance is pending runs and can be stopped; if not, it is left out with AWS's sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from botocore.exceptions import ClientError

from cli.aws import stacks
from cli.aws.paused import Kept
from teardown import refusals
from teardown.refusals import Refusal
from teardown.scope import Scope
from teardown.stacks import other_labs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.aws.session import Session

FAILED = "Failed"
IN_SERVICE = "InService"
NOTEBOOK_IN_SERVICE = frozenset({IN_SERVICE, "PendingMaintenance"})
_AWS = "aws:"  # tags of AWS's own, which nobody else may set


class GoneError(Exception):
    """What was paused can't be brought back; the message says why."""


@dataclass(frozen=True)
class Standing:
    """One of them as it is listed."""

    status: str
    arn: str


class Pausable(Protocol):
    """One kind of them."""

    kind: ClassVar[str]
    passing: ClassVar[frozenset[str]]  # states that do not last
    running: ClassVar[frozenset[str]]  # states that cost, and last
    serving: ClassVar[frozenset[str]]  # those of them in which it is of use
    done: ClassVar[str]  # what pausing did to it

    def standing(self, lab: str) -> dict[str, Standing]:
        """All whose names may be the lab's, by name."""

    def kept(self, name: str) -> Kept:
        """What it takes to bring it back. Raises GoneError if nothing could."""

    def reason(self, name: str) -> str:
        """Why it failed."""

    def pause(self, name: str) -> None:
        """Ask SageMaker to end what costs."""

    def resume(self, kept: Kept, status: str | None) -> None:
        """Ask SageMaker to bring it back from this status, None: it is not there. Raises GoneError if nothing can."""


@dataclass(frozen=True)
class Endpoints:
    """They are deleted; models and configs stay, and cost nothing."""

    sagemaker: Any
    kind: ClassVar[str] = "endpoint"
    passing: ClassVar[frozenset[str]] = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
    running: ClassVar[frozenset[str]] = frozenset({IN_SERVICE, "OutOfService", "UpdateRollbackFailed"})
    serving: ClassVar[frozenset[str]] = frozenset({IN_SERVICE})
    done: ClassVar[str] = "deleted, its config is kept"

    def standing(self, lab: str) -> dict[str, Standing]:
        """All whose names may be the lab's, by name."""
        pages = self.sagemaker.get_paginator("list_endpoints").paginate(NameContains=lab)
        found = [each for page in pages for each in page["Endpoints"]]
        return {
            each["EndpointName"]: Standing(each["EndpointStatus"], each["EndpointArn"])
            for each in found
            if Scope(lab=lab).names(each["EndpointName"])
        }

    def kept(self, name: str) -> Kept:
        """Its config's name, and its tags; both the config and its models must be there."""
        found = self._described(name)
        self._check(found["EndpointConfigName"])
        tags = _tags(self.sagemaker, found["EndpointArn"])
        own = {key: value for key, value in tags.items() if not key.startswith(_AWS)}
        return Kept(self.kind, name, found["EndpointConfigName"], own)

    def reason(self, name: str) -> str:
        """Why it failed."""
        return str(self._described(name).get("FailureReason", FAILED))

    def pause(self, name: str) -> None:
        """Delete it."""
        self.sagemaker.delete_endpoint(EndpointName=name)

    def resume(self, kept: Kept, status: str | None) -> None:
        """Create it anew; one that has failed is deleted before, if it can be."""
        if status not in {FAILED, None}:
            return
        self._check(kept.config)
        if status:
            self.sagemaker.delete_endpoint(EndpointName=kept.name)
            # boto3 counts attempts: a shorter delay needs more of them for the half hour that its own make.
            patience: Any = {"Delay": 1, "MaxAttempts": 1800}
            self.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=kept.name, WaiterConfig=patience)
        tags = [{"Key": key, "Value": value} for key, value in kept.tags.items()]
        self.sagemaker.create_endpoint(EndpointName=kept.name, EndpointConfigName=kept.config, Tags=tags)

    def _check(self, config: str) -> None:
        """Raise GoneError unless an endpoint could be made of the config: it outlives both of them while it serves."""
        looking_for = f"endpoint config {config}"
        try:
            found = self.sagemaker.describe_endpoint_config(EndpointConfigName=config)
            variants = [*found["ProductionVariants"], *found.get("ShadowProductionVariants", ())]
            for name in (each["ModelName"] for each in variants if "ModelName" in each):
                looking_for = f"model {name}"
                self.sagemaker.describe_model(ModelName=name)
        except ClientError as error:
            if refusals.classify(error) is not Refusal.GONE:
                raise
            raise GoneError(f"its {looking_for} is gone: whoever made it makes it anew") from None

    def _described(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
        return found


@dataclass(frozen=True)
class NotebookInstances:
    """They are stopped; their volumes stay, and cost little."""

    sagemaker: Any
    kind: ClassVar[str] = "notebook instance"
    passing: ClassVar[frozenset[str]] = frozenset({"Pending", "Stopping", "Updating", "Deleting", "InMaintenance"})
    running: ClassVar[frozenset[str]] = NOTEBOOK_IN_SERVICE
    serving: ClassVar[frozenset[str]] = NOTEBOOK_IN_SERVICE
    done: ClassVar[str] = "stopped"

    def standing(self, lab: str) -> dict[str, Standing]:
        """All whose names may be the lab's, by name."""
        pages = self.sagemaker.get_paginator("list_notebook_instances").paginate(NameContains=lab)
        found = [each for page in pages for each in page["NotebookInstances"]]
        return {
            each["NotebookInstanceName"]: Standing(each["NotebookInstanceStatus"], each["NotebookInstanceArn"])
            for each in found
            if Scope(lab=lab).names(each["NotebookInstanceName"])
        }

    def kept(self, name: str) -> Kept:
        """That it ran."""
        return Kept(self.kind, name)

    def reason(self, name: str) -> str:
        """Why it failed."""
        found = self.sagemaker.describe_notebook_instance(NotebookInstanceName=name)
        return str(found.get("FailureReason", FAILED))

    def pause(self, name: str) -> None:
        """Stop it."""
        self.sagemaker.stop_notebook_instance(NotebookInstanceName=name)

    def resume(self, kept: Kept, status: str | None) -> None:
        """Start it."""
        if status is None:
            raise GoneError("it was deleted meanwhile")
        if status in {"Stopped", FAILED}:
            self.sagemaker.start_notebook_instance(NotebookInstanceName=kept.name)


def kinds(session: Session) -> list[Pausable]:
    """Every kind, what costs most first."""
    sagemaker = session.client("sagemaker")
    return [Endpoints(sagemaker), NotebookInstances(sagemaker)]


def scope_of(session: Session, lab: str) -> Scope:
    """What is the lab's own: no other lab's whose name begins like this one's."""
    return Scope(lab=lab, others=other_labs(stacks.every(session), lab))


def names(session: Session, scope: Scope, standing: Mapping[str, Standing]) -> list[str]:
    """Those of them that are in the scope, and are there still."""
    sagemaker, found = session.client("sagemaker"), []
    for name, one in standing.items():
        try:
            if scope.has(name, _tags(sagemaker, one.arn)):
                found.append(name)
        except ClientError as error:
            if refusals.classify(error) is not Refusal.GONE:
                raise
    return found


def _tags(sagemaker: Any, arn: str) -> dict[str, str]:
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
