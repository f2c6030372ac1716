"""CloudFormation's resource types of SageMaker: every property goes through the same call as an API request would.

Sources: CloudFormation's resource reference (Ref is the ARN of each of these types, Fn::GetAtt gives the name; of a
pipeline, whose type has no attributes, Ref is the name) and the resource schemas that cfn-lint ships (create-only
properties). An ARN where a name is wanted is refused: the API's pattern does it. A resource that fails to settle is
deleted again, which is what a rollback does on AWS. An endpoint that SageMaker rolled back is InService, and so its
update has succeeded: silently, as Terraform takes it (terraform-provider-aws#48997). Not compared with AWS: whether
CloudFormation looks closer, and whether it asks for an update to the config that serves already, which SageMaker
refuses, when a stack goes back. Drift detection sees what is gone, and changes of what Describe tells under the
template's own names; not compared with AWS: which properties of these types it looks at there.
"""

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
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES, ResourceType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import Shape

    from embedded_aws.services.cloudformation_types import Answer, Properties
    from embedded_aws.services.sagemaker.service import SageMaker
    from embedded_aws.services.sagemaker.store import Record

_PREFIX = "AWS::SageMaker::"
_NAME_LENGTH = 63
_POLL_SECONDS = 0.05
_STACK_ID = "aws:cloudformation:stack-id"
_IN_PROGRESS = ("Pending", "Updating", "Stopping", "Creating", "SystemUpdating", "RollingBack", "Deleting")

_REPLACING: dict[str, tuple[str, ...]] = {
    "Model": (
        "ModelName",
        "PrimaryContainer",
        "Containers",
        "InferenceExecutionConfig",
        "ExecutionRoleArn",
        "VpcConfig",
        "EnableNetworkIsolation",
    ),
    "EndpointConfig": (
        "EndpointConfigName",
        "ProductionVariants",
        "ShadowProductionVariants",
        "DataCaptureConfig",
        "KmsKeyId",
        "AsyncInferenceConfig",
        "ExplainerConfig",
        "ExecutionRoleArn",
        "VpcConfig",
        "EnableNetworkIsolation",
        "MetricsConfig",
    ),
    "Endpoint": ("EndpointName",),
    "NotebookInstance": (
        "NotebookInstanceName",
        "DirectInternetAccess",
        "KmsKeyId",
        "PlatformIdentifier",
        "SecurityGroupIds",
        "SubnetId",
    ),
    "NotebookInstanceLifecycleConfig": ("NotebookInstanceLifecycleConfigName",),
    "Pipeline": ("PipelineName",),
}
REPLACING = {f"{_PREFIX}{resource_type}": properties for resource_type, properties in _REPLACING.items()}
_READABLE = ("EndpointConfigName", "InstanceType", "RoleArn", "VolumeSizeInGB", "RootAccess", "ExecutionRoleArn")
_IDEMPOTENCY = "ClientRequestToken"
_PLACE = "PipelineDefinitionS3Location"
_PLACES = {"Key": "ObjectKey", "Version": "VersionId"}  # the API's names of what a template calls otherwise
# The member and value of an Update request for a property that a template no longer has.
_REMOVED: dict[str, tuple[str, Any]] = {
    "LifecycleConfigName": ("DisassociateLifecycleConfig", True),
    "AcceleratorTypes": ("DisassociateAcceleratorTypes", True),
    "DefaultCodeRepository": ("DisassociateDefaultCodeRepository", True),
    "AdditionalCodeRepositories": ("DisassociateAdditionalCodeRepositories", True),
    "OnCreate": ("OnCreate", []),
    "OnStart": ("OnStart", []),
}


def resource_providers(service: SageMaker) -> dict[str, ResourceProvider]:
    """Return the resource providers by type. Their handlers block until the resource has a lasting status."""
    return {f"{_PREFIX}{name}": _handlers(service, RESOURCE_TYPES[name]).resource_provider() for name in _REPLACING}


def remove_unknown(service: SageMaker, stack_id: str, known: set[str]) -> None:
    """Delete what a stack of the caller's has made and does not know of: it was at work when all ended.

    `known` are its resources' physical IDs.
    """
    account, region = service.caller()
    for record in reversed(service.context.store.of_account(account)):
        if record.region == region and record.tags.get(_STACK_ID) == stack_id:
            handlers = _handlers(service, record.resource_type)
            if (physical_id := handlers.physical_id(record)) not in known:
                handlers.delete(physical_id, {})


@dataclass(frozen=True)
class _Handlers:
    """CloudFormation's handlers of one resource type."""

    service: SageMaker
    resource_type: ResourceType

    def physical_id(self, record: Record) -> str:
        """Return what Ref answers."""
        return record.arn

    def resource_provider(self) -> ResourceProvider:
        """Return the resource provider made of these handlers."""
        return ResourceProvider(
            create=self.create,
            update=self.update,
            delete=self.delete,
            replacing=_REPLACING[self.resource_type.name],
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
        own, system = _split_tags(properties)
        members = self._typed({**properties, self.resource_type.name_member: name, "Tags": own})
        accepted = api.input_members(self.resource_type.operation("Create"))
        request = {member: value for member, value in members.items() if member in accepted}
        self._call_operation(self.resource_type.operation("Create"), request, system)
        record = self._record(name)
        if self._settled(record) == "Failed":
            self.delete(record.arn, properties)
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
        (old_tags, _), (new_tags, system_tags) = _split_tags(old), _split_tags(new)
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
    ) -> None:
        account, region = self.service.caller()
        if _IDEMPOTENCY in api.input_members(operation):
            request = {_IDEMPOTENCY: uuid.uuid4().hex, **request}
        try:
            self.service.call(operation, request, account=account, region=region, system_tags=system_tags)
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
        return record.arn, {self.resource_type.name_member: record.name, self.resource_type.arn_member: record.arn}


@dataclass(frozen=True)
class _PipelineHandlers(_Handlers):
    """Those of pipelines, whose Ref is the name; the definition is a structure where the API has two members."""

    def physical_id(self, record: Record) -> str:
        """Return the name."""
        return record.name

    def _typed(self, properties: Properties) -> dict[str, Any]:
        flat = {name: value for name, value in properties.items() if name != "PipelineDefinition"}
        definition = properties.get("PipelineDefinition", {})
        unknown = definition.keys() - {"PipelineDefinitionBody", _PLACE}
        place = dict(definition.get(_PLACE, {}))
        if unknown or "ETag" in place:
            names = ", ".join(sorted(unknown)) or f"{_PLACE}.ETag"
            raise ProvisioningError(f"The embedded AWS does not offer {names} in a PipelineDefinition.")
        if place:
            flat[_PLACE] = {_PLACES.get(name, name): value for name, value in place.items()}
        if "PipelineDefinitionBody" in definition:
            flat["PipelineDefinition"] = definition["PipelineDefinitionBody"]
        return super()._typed(flat)

    def _change(self, record: Record, members: dict[str, Any], changed: set[str]) -> None:
        super()._change(record, members, changed | ({_PLACE} if "PipelineDefinition" in changed else set()))

    def _find(self, physical_id: str) -> Record | None:
        account, region = self.service.caller()
        return self.service.context.store.find("Pipeline", physical_id, account=account, region=region)

    def _answer(self, record: Record) -> Answer:
        return record.name, {}


def _handlers(service: SageMaker, resource_type: ResourceType) -> _Handlers:
    made = _PipelineHandlers if resource_type.name == "Pipeline" else _Handlers
    return made(service, resource_type)


def _split_tags(properties: Properties) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Return the template's and the stack's tags as a request has them, and those that only AWS may set."""
    given: list[dict[str, str]] = properties.get("Tags") or []
    own = [tag for tag in given if not tag["Key"].startswith(tags.SYSTEM_PREFIX)]
    return own, {tag["Key"]: tag["Value"] for tag in given if tag["Key"].startswith(tags.SYSTEM_PREFIX)}
