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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.services.cloudformation_types import ProvisioningError, ResourceProvider
from embedded_aws.services.sagemaker.cloudformation_handlers import Handlers
from embedded_aws.services.sagemaker.model_registry.cloudformation import CardHandlers, GroupHandlers, PackageHandlers
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES

if TYPE_CHECKING:
    from embedded_aws.services.cloudformation_types import Answer, Properties
    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.service import SageMaker
    from embedded_aws.services.sagemaker.store import Record

_PREFIX = "AWS::SageMaker::"
_STACK_ID = "aws:cloudformation:stack-id"

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
    "ModelPackageGroup": ("ModelPackageGroupName", "ModelPackageGroupDescription"),
    "ModelPackage": (
        "ModelPackageGroupName",
        "ModelPackageDescription",
        "InferenceSpecification",
        "ValidationSpecification",
        "SourceAlgorithmSpecification",
        "MetadataProperties",
        "ModelMetrics",
        "ClientToken",
        "DriftCheckBaselines",
        "Domain",
        "Task",
        "SamplePayloadUrl",
        "SecurityConfig",
    ),
    "ModelCard": ("ModelCardName", "SecurityConfig"),
    "MonitoringSchedule": ("MonitoringScheduleName",),
    "Workforce": ("WorkforceName", "CognitoConfig"),
    "Workteam": ("WorkteamName", "WorkforceName"),
    "HumanTaskUi": ("HumanTaskUiName", "UiTemplate"),
}
REPLACING = {f"{_PREFIX}{resource_type}": properties for resource_type, properties in _REPLACING.items()}
_OF_MEMBERS = {
    "CognitoUserPool": "UserPool",
    "CognitoUserGroup": "UserGroup",
    "CognitoClientId": "ClientId",
    "OidcGroups": "Groups",
}
_PLACE = "PipelineDefinitionS3Location"
_PLACES = {"Key": "ObjectKey", "Version": "VersionId"}  # the API's names of what a template calls otherwise


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
class _PipelineHandlers(Handlers):
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


@dataclass(frozen=True)
class _ScheduleHandlers(Handlers):
    """Those of monitoring schedules, of which Fn::GetAtt tells other things."""

    def _attributes(self, record: Record) -> dict[str, str]:
        times = {name: record.members[name].isoformat() for name in ("CreationTime", "LastModifiedTime")}
        return {"MonitoringScheduleArn": record.arn, **times}


@dataclass(frozen=True)
class _WorkforceHandlers(Handlers):
    """Those of workforces, whose portal Fn::GetAtt tells."""

    def _attributes(self, record: Record) -> dict[str, str]:
        return {"WorkforceArn": record.arn, "SubDomain": record.members["SubDomain"]}


@dataclass(frozen=True)
class _WorkteamHandlers(Handlers):
    """Those of work teams, whose members have other names in templates than in the API."""

    def _typed(self, properties: Properties) -> dict[str, Any]:
        members = [
            {kind: {_OF_MEMBERS.get(name, name): value for name, value in given.items()} for kind, given in one.items()}
            for one in properties.get("MemberDefinitions", ())
        ]
        return super()._typed({**properties, **({"MemberDefinitions": members} if members else {})})

    def _attributes(self, record: Record) -> dict[str, str]:
        return {"WorkteamArn": record.arn, "WorkteamName": record.name}


@dataclass(frozen=True)
class _TaskUiHandlers(Handlers):
    """Those of worker task templates, of which Fn::GetAtt tells when they were made."""

    def _attributes(self, record: Record) -> dict[str, str]:
        return {"HumanTaskUiArn": record.arn, "CreationTime": record.members["CreationTime"].isoformat()}


_OWN_HANDLERS: dict[str, type[Handlers]] = {
    "Workforce": _WorkforceHandlers,
    "Workteam": _WorkteamHandlers,
    "HumanTaskUi": _TaskUiHandlers,
    "ModelPackageGroup": GroupHandlers,
    "ModelPackage": PackageHandlers,
    "ModelCard": CardHandlers,
    "Pipeline": _PipelineHandlers,
    "MonitoringSchedule": _ScheduleHandlers,
}


def _handlers(service: SageMaker, resource_type: ResourceType) -> Handlers:
    made = _OWN_HANDLERS.get(resource_type.name, Handlers)
    return made(service, resource_type, _REPLACING.get(resource_type.name, ()))
