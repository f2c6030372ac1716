"""State change events: which changes of a resource SageMaker sends to EventBridge, and what is in them.

Sources: SageMaker's guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge"; EventBridge's reference of
SageMaker's events, for the types that the guide leaves out; the members of those in the CDK's event patterns, which are
made from EventBridge's schema registry (`@aws-cdk/mixins-preview`, aws_sagemaker.events); events as AWS's own projects
have got them (awslabs/mlspace, aws-samples/service-workbench-on-aws). The latter settle what the guide's examples show
in several ways: times are numbers, milliseconds since the epoch, tags an object; an endpoint's status is in upper case
with underscores and the others' are Describe's; what is deleted has the status Deleted, and models and configurations,
which have none, come without tags then. An endpoint's stages while it is updated, or while its variants change, have an
event of their own ("Endpoint deployment state change" in the guide): the members of the endpoint's, and
PendingDeploymentSummary. Not compared with AWS: which members with no value are sent as null (here none is); whether
the tags of a deleted endpoint or notebook instance are still told; whether a change of SecondaryStatus alone is told
(it is here: the registry has the member); that shadow variants are told as production variants are; that a model
package's times are numbers too (the guide's example has text), its Tags, and that its deletion is not told, nor a model
card's. Each update of a package is told, with the members that it was about: the guide, and workflows that look at
them. AWS may send an event more than once; here each comes once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.pipelines import notifications
from embedded_aws.services.sagemaker.resource_types.model_registry import GROUP_NAME, UPDATED_FIELDS, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.services.sagemaker.store import OnChange, Record

SOURCE = "aws.sagemaker"


@dataclass(frozen=True, kw_only=True)
class EventSchema:
    """A resource type's event: its detail-type, and Describe's members in it beside name, ARN and status.

    `upper` writes the status IN_SUCH_LETTERS; `deleted` says whether there is an event when a resource is deleted.
    `detail` makes the detail of one that is not made so, None where there is no event; `parent` is the member with the
    ARN of what the resource is a part of, which comes first among the event's resources.
    """

    detail_type: str
    members: tuple[str, ...] = ()
    upper: bool = False
    deleted: bool = True
    detail: Callable[[Mapping[str, Any]], dict[str, Any] | None] | None = None
    parent: str = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event of an account in a region; `resource` is the ARN that it is about, "" if it names none.

    `parent` is the ARN of what that is a part of, if it is told too.
    """

    account: str
    region: str
    detail_type: str
    resource: str
    detail: Mapping[str, Any]
    source: str = SOURCE
    parent: str = ""

    @property
    def resources(self) -> list[str]:
        """Return the ARNs that the event names."""
        return [arn for arn in (self.parent, self.resource) if arn]


def _labeling_status(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that a labeling job's event tells, in those that users have got."""
    return {"LabelingJobStatus": members["LabelingJobStatus"]}


_ENDPOINT_MEMBERS = (
    "EndpointConfigName",
    "ProductionVariants",
    "ShadowProductionVariants",
    "FailureReason",
    "CreationTime",
    "LastModifiedTime",
)
STAGE_SCHEMAS: Mapping[str, EventSchema] = {
    "Endpoint": EventSchema(
        detail_type="SageMaker Endpoint Deployment State Change",
        members=(*_ENDPOINT_MEMBERS, "PendingDeploymentSummary"),
        upper=True,
    ),
    "PipelineExecution": EventSchema(
        detail_type=notifications.STEP, detail=notifications.of_step, deleted=False, parent="PipelineArn"
    ),
}
"""The events of a resource's stages within one state."""

EVENT_SCHEMAS: Mapping[str, EventSchema] = {
    "TrainingJob": EventSchema(
        detail_type="SageMaker Training Job State Change",
        members=(
            "TuningJobArn",
            "ModelArtifacts",
            "SecondaryStatus",
            "FailureReason",
            "HyperParameters",
            "AlgorithmSpecification",
            "RoleArn",
            "InputDataConfig",
            "OutputDataConfig",
            "ResourceConfig",
            "VpcConfig",
            "StoppingCondition",
            "CreationTime",
            "TrainingStartTime",
            "TrainingEndTime",
            "LastModifiedTime",
            "SecondaryStatusTransitions",
        ),
        deleted=False,
    ),
    "HyperParameterTuningJob": EventSchema(
        detail_type="SageMaker HyperParameter Tuning Job State Change",
        members=(
            "HyperParameterTuningJobConfig",
            "TrainingJobDefinition",
            "TrainingJobDefinitions",
            "CreationTime",
            "HyperParameterTuningEndTime",
            "LastModifiedTime",
            "TrainingJobStatusCounters",
            "ObjectiveStatusCounters",
            "BestTrainingJob",
            "FailureReason",
        ),
        deleted=False,
    ),
    "TransformJob": EventSchema(
        detail_type="SageMaker Transform Job State Change",
        members=(
            "FailureReason",
            "ModelName",
            "MaxConcurrentTransforms",
            "MaxPayloadInMB",
            "BatchStrategy",
            "Environment",
            "TransformInput",
            "TransformOutput",
            "TransformResources",
            "CreationTime",
            "TransformStartTime",
            "TransformEndTime",
        ),
        deleted=False,
    ),
    "ProcessingJob": EventSchema(
        detail_type="SageMaker Processing Job State Change",
        members=(
            "ProcessingInputs",
            "ProcessingOutputConfig",
            "ProcessingResources",
            "StoppingCondition",
            "AppSpecification",
            "NetworkConfig",
            "RoleArn",
            "ExperimentConfig",
            "FailureReason",
            "ProcessingEndTime",
            "ProcessingStartTime",
            "LastModifiedTime",
            "CreationTime",
        ),
        deleted=False,
    ),
    "Endpoint": EventSchema(
        detail_type="SageMaker Endpoint State Change",
        members=_ENDPOINT_MEMBERS,
        upper=True,
    ),
    "EndpointConfig": EventSchema(
        detail_type="SageMaker Endpoint Config State Change",
        members=("ProductionVariants", "ShadowProductionVariants", "DataCaptureConfig", "KmsKeyId", "CreationTime"),
    ),
    "Model": EventSchema(
        detail_type="SageMaker Model State Change",
        members=("PrimaryContainer", "Containers", "ExecutionRoleArn", "VpcConfig", "CreationTime"),
    ),
    "ModelPackage": EventSchema(
        detail_type="SageMaker Model Package State Change",
        members=(
            GROUP_NAME,
            VERSION,
            "ModelPackageDescription",
            "CreationTime",
            "InferenceSpecification",
            "ModelPackageStatusDetails",
            "CertifyForMarketplace",
            "ModelApprovalStatus",
            "ApprovalDescription",
            "MetadataProperties",
            "ModelMetrics",
            "SourceUri",
            "CustomerMetadataProperties",
            "ModelLifeCycle",
            UPDATED_FIELDS,
            "LastModifiedTime",
        ),
        deleted=False,
    ),
    "ModelCard": EventSchema(
        detail_type="SageMaker Model Card State Change",
        members=("ModelCardVersion", "SecurityConfig", "CreatedBy", "CreationTime", "LastModifiedTime"),
        deleted=False,
    ),
    "NotebookInstance": EventSchema(
        detail_type="SageMaker Notebook Instance State Change",
        members=(
            "FailureReason",
            "InstanceType",
            "SubnetId",
            "SecurityGroups",
            "RoleArn",
            "KmsKeyId",
            "NetworkInterfaceId",
            "LastModifiedTime",
            "CreationTime",
            "NotebookInstanceLifecycleConfigName",
            "DirectInternetAccess",
        ),
    ),
    "NotebookInstanceLifecycleConfig": EventSchema(
        detail_type="SageMaker Notebook Lifecycle Config State Change",
        members=("CreationTime", "LastModifiedTime"),
    ),
    "PipelineExecution": EventSchema(
        detail_type=notifications.EXECUTION, detail=notifications.of_execution, deleted=False, parent="PipelineArn"
    ),
    "LabelingJob": EventSchema(
        detail_type="SageMaker Ground Truth Labeling Job State Change", detail=_labeling_status, deleted=False
    ),
}


def publish_to(put: Callable[[Event], object], schemas: Mapping[str, EventSchema] = EVENT_SCHEMAS) -> OnChange:
    """Return what a store calls at every change: it puts the event of the change, if there is one."""

    def on_change(record: Record, members: Mapping[str, Any] | None) -> None:
        schema = schemas.get(record.resource_type.name)
        if schema and (event := _event(record, members, schema)):
            put(event)

    return on_change


def state_of(record: Record) -> Mapping[str, Any]:
    """Return what the event of a resource's present state tells of it."""
    event = _event(record, record.members, EVENT_SCHEMAS[record.resource_type.name])
    return event.detail if event else {}


def _event(record: Record, members: Mapping[str, Any] | None, schema: EventSchema) -> Event | None:
    """Return the event of a resource that has come into a state with these members, or is gone (None).

    None if AWS sends no event then.
    """
    resource_type = record.resource_type
    deleted = members is None
    if deleted and not schema.deleted:
        return None
    last = record.members if members is None else members
    if schema.detail:
        if not (made := schema.detail(last)):
            return None
        return Event(
            account=record.account,
            region=record.region,
            detail_type=schema.detail_type,
            resource=record.arn,
            detail=made,
            parent=last[schema.parent] if schema.parent else "",
        )
    detail = {
        resource_type.arn_member: record.arn,
        **{name: _json_value(last[name]) for name in (resource_type.name_member, *schema.members) if name in last},
        "Tags": {} if deleted and not resource_type.status else dict(record.tags),
    }
    if resource_type.status:
        status = "Deleted" if deleted else str(last[resource_type.status])
        detail[resource_type.status] = _upper(status) if schema.upper else status
    return Event(
        account=record.account,
        region=record.region,
        detail_type=schema.detail_type,
        resource=record.arn,
        detail=detail,
    )


def _upper(status: str) -> str:
    """Write InService as IN_SERVICE."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", status).upper()


def _json_value(value: Any) -> Any:
    """Return a member's value with times as milliseconds since the epoch."""
    match value:
        case datetime():
            return int(value.timestamp() * 1000)
        case dict():
            return {name: _json_value(each) for name, each in value.items()}
        case list() | tuple():
            return [_json_value(each) for each in value]
        case _:
            return value
