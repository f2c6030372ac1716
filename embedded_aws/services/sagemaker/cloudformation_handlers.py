"""What CloudFormation's handlers of SageMaker's types do: the calls of the API, and the waiting for what they begin."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.services.cloudformation_types import (
    ProvisioningError,
    ResourceProvider,
    api_error,
    generated_name,
    typed_members,
)
from embedded_aws.services.sagemaker import api, tags
from embedded_aws.services.sagemaker.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import Shape

    from embedded_aws.services.cloudformation_types import Answer, Properties
    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.service import SageMaker
    from embedded_aws.services.sagemaker.store import Record

_NAME_LENGTH = 63
_POLL_SECONDS = 0.05
_IN_PROGRESS = (
    "Initializing",
    "Pending",
    "Updating",
    "Stopping",
    "Creating",
    "SystemUpdating",
    "RollingBack",
    "Deleting",
)
_READABLE = ("EndpointConfigName", "InstanceType", "RoleArn", "VolumeSizeInGB", "RootAccess", "ExecutionRoleArn")
_IDEMPOTENCY = "ClientRequestToken"
# The member and value of an Update request for a property that a template no longer has.
_REMOVED: dict[str, tuple[str, Any]] = {
    "LifecycleConfigName": ("DisassociateLifecycleConfig", True),
    "AcceleratorTypes": ("DisassociateAcceleratorTypes", True),
    "DefaultCodeRepository": ("DisassociateDefaultCodeRepository", True),
    "AdditionalCodeRepositories": ("DisassociateAdditionalCodeRepositories", True),
    "OnCreate": ("OnCreate", []),
    "OnStart": ("OnStart", []),
}


@dataclass(frozen=True)
class Handlers:
    """CloudFormation's handlers of one resource type."""

    service: SageMaker
    resource_type: ResourceType
    replacing: tuple[str, ...] = ()

    def physical_id(self, record: Record) -> str:
        """Return what Ref answers."""
        return record.arn

    def resource_provider(self) -> ResourceProvider:
        """Return the resource provider made of these handlers."""
        return ResourceProvider(
            create=self.create,
            update=self.update,
            delete=self.delete,
            replacing=self.replacing,
            name=self.resource_type.name_member,
            waits=True,
            read=self.read,
            reads=(*_READABLE, "Tags"),
        )

    def read(self, physical_id: str) -> Properties | None:
        """Return the properties as they are now; None if the resource is gone."""
        record = self._find(physical_id)
        if record is None:
            return None
        found = {name: record.members[name] for name in _READABLE if name in record.members}
        return {**found, "Tags": [{"Key": key, "Value": value} for key, value in record.tags.items()]}

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Answer:
        """Create the resource and wait for it; without a name it gets logical id and a random suffix, as on AWS."""
        del stack_name  # AWS leaves it out of these types' names too
        name = properties.get(self.resource_type.name_member) or generated_name(logical_id, longest=_NAME_LENGTH)
        own, system = split_tags(properties)
        members = self._typed({**properties, self.resource_type.name_member: name, "Tags": own})
        accepted = api.input_members(self.resource_type.operation("Create"))
        request = {member: value for member, value in members.items() if member in accepted}
        self._call_operation(self.resource_type.operation("Create"), request, system)
        record = self._record(name)
        if self._settled(record) == "Failed":
            self.delete(self.physical_id(record), properties)
            raise ProvisioningError(str(record.members.get("FailureReason", f"{record.arn} failed.")))
        return self._answer(record)

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Answer:
        """Change in place what can be (the caller replaces for the rest) and wait for it."""
        del stack_name
        record = self._existing(physical_id)
        changed = {name for name in {*old, *new} - {"Tags"} if old.get(name) != new.get(name)}
        if changed:
            self._change(record, self._typed(new), changed)
        self._retag(record, old, new)
        return self._answer(record)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the resource and wait until it is gone; one that is gone already is fine, or goes meanwhile."""
        del properties
        record = self._find(physical_id)
        while record and self.service.context.store.alive(record):
            self._stop_or_delete(record)

    def _stop_or_delete(self, record: Record) -> None:
        """Wait for a lasting status and stop or delete. An error counts unless somebody else changed the status."""
        status = self._settled(record)
        stops = status == "InService" and "Stop" in self.resource_type.verbs
        if not self.service.context.store.alive(record):
            return
        try:
            self._call("Stop" if stops else "Delete", {self.resource_type.name_member: record.name})
        except ProvisioningError:
            if self.service.context.store.alive(record) and record.status == status:
                raise

    def _change(self, record: Record, members: dict[str, Any], changed: set[str]) -> None:
        request = {self.resource_type.name_member: record.name}
        accepted = api.input_members(self.resource_type.operation("Update"))
        # An endpoint's update needs its configuration whichever property changed.
        names = members.keys() if self.resource_type.name == "Endpoint" else members.keys() & changed
        request |= {member: members[member] for member in accepted.keys() & names}
        request |= dict(_REMOVED[name] for name in changed - members.keys() if name in _REMOVED)
        running = self._settled(record) == "InService" and "Stop" in self.resource_type.verbs
        if running:
            self._call("Stop", {self.resource_type.name_member: record.name})
            self._settled(record)
        try:
            self._call("Update", request)
            status = self._settled(record)
        finally:
            if running:
                self._call("Start", {self.resource_type.name_member: record.name})
                status = self._settled(record)
        if status == "Failed":
            raise ProvisioningError(str(record.members.get("FailureReason", f"{record.arn} has failed.")))

    def _retag(self, record: Record, old: Properties, new: Properties) -> None:
        (old_tags, _), (new_tags, system_tags) = split_tags(old), split_tags(new)
        keys = {tag["Key"] for tag in new_tags}
        removed = [tag["Key"] for tag in old_tags if tag["Key"] not in keys]
        if new_tags and new_tags != old_tags:
            self._call_operation("AddTags", {"ResourceArn": record.arn, "Tags": new_tags})
        if removed:
            self._call_operation("DeleteTags", {"ResourceArn": record.arn, "TagKeys": removed})
        self.service.context.store.tag(record, system_tags)

    def _typed(self, properties: Properties) -> dict[str, Any]:
        """Return the properties with the API's types. Raises ProvisioningError for one that the API does not have."""
        shapes: dict[str, Shape] = {}
        for verb in ("Update", "Create"):
            if verb in self.resource_type.verbs:
                shapes |= api.input_members(self.resource_type.operation(verb))
        return typed_members(shapes, properties)

    def _call(self, verb: str, request: dict[str, Any]) -> None:
        self._call_operation(self.resource_type.operation(verb), request)

    def _call_operation(
        self, operation: str, request: dict[str, Any], system_tags: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        account, region = self.service.caller()
        if _IDEMPOTENCY in api.input_members(operation):
            request = {_IDEMPOTENCY: uuid.uuid4().hex, **request}
        try:
            return self.service.call(operation, request, account=account, region=region, system_tags=system_tags)
        except ServiceError as error:
            raise api_error("SageMaker", status=error.status, code=error.code, message=error.message) from error

    def _record(self, name: str) -> Record:
        account, region = self.service.caller()
        return self.service.context.store.get(self.resource_type.name, name, account=account, region=region)

    def _find(self, physical_id: str) -> Record | None:
        account, region = self.service.caller()
        return self.service.context.store.find_arn(physical_id, account=account, region=region)

    def _existing(self, physical_id: str) -> Record:
        record = self._find(physical_id)
        if record is None:
            raise ProvisioningError(f"{physical_id} is gone: somebody deleted it outside of CloudFormation.")
        return record

    def _settled(self, record: Record) -> str:
        """Wait until the resource has a lasting status, or is gone. Return its status, "" for a type without any."""
        while record.status in _IN_PROGRESS and self.service.context.store.alive(record):
            self._wait(record)
        return record.status

    def _wait(self, record: Record) -> None:
        if not self.service.context.clock.sleep(_POLL_SECONDS):
            raise ProvisioningError(f"The embedded AWS ended while {record.arn} was {record.status}.")

    def _answer(self, record: Record) -> Answer:
        return self.physical_id(record), self._attributes(record)

    def _attributes(self, record: Record) -> dict[str, str]:
        """Return what Fn::GetAtt gives."""
        return {self.resource_type.name_member: record.name, self.resource_type.arn_member: record.arn}


def split_tags(properties: Properties) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Return the template's and the stack's tags as a request has them, and those that only AWS may set."""
    given: list[dict[str, str]] = properties.get("Tags") or []
    own = [tag for tag in given if not tag["Key"].startswith(tags.SYSTEM_PREFIX)]
    return own, {tag["Key"]: tag["Value"] for tag in given if tag["Key"].startswith(tags.SYSTEM_PREFIX)}
