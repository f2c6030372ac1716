"""The IAM permissions that each request needs: actions, resources and condition keys.

Source: the service authorization reference of SageMaker, for the operations that there are here. A request with tags
needs AddTags too, and one that names a role needs PassRole on it. ListTags, AddTags and DeleteTags are asked about the
tagged resource; List operations about `*`. An execution role is asked about too what SageMaker does in its name
(SageMaker's guide, "How to use SageMaker AI execution roles"). CreateModelPackage is asked about the version that it
makes. A model package group's resource policy counts for its versions too.
Not compared with AWS: the sentences of its refusals; that a version's group's tags count as the version's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from embedded_aws.services.sagemaker import api
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.model_registry import versions
from embedded_aws.services.sagemaker.pipelines import lookup
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from embedded_aws.services.sagemaker.resource_types.labeling import LIST_FOR_WORKTEAM, RENDER
from embedded_aws.services.sagemaker.resource_types.model_registry import BATCH_DESCRIBE, POLICY
from embedded_aws.services.sagemaker.resource_types.tuning import training_resources
from embedded_aws.services.sagemaker.runtime_api import TARGET_CONTAINER, TARGET_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.services.sagemaker.store import Record, Store

ConditionContext = Mapping[str, Any]
_SERVICE = "sagemaker.amazonaws.com"
_TARGET_KEYS = {"sagemaker:TargetModel": TARGET_MODEL, "sagemaker:TargetContainerHostname": TARGET_CONTAINER}
_VERSION = "sagemaker:PipelineVersionId"
_ROLES = ("RoleArn", "ExecutionRoleArn")
_LISTED_BY = {BATCH_DESCRIBE: "ModelPackageArnList", LIST_FOR_WORKTEAM: "WorkteamArn"}  # whose ARNs the member holds


class Principal(Protocol):
    """A caller whose policies are checked; root is none."""

    def refusal(
        self, action: str, resource: str, context: ConditionContext, resource_policy: str | None = None
    ) -> str | None:
        """Return AWS's sentence of the refusal if neither the principal's policies nor the resource's allow it."""


@dataclass(frozen=True)
class RequiredPermission:
    """An action on a resource, with the condition keys that policies may look at."""

    action: str
    resource: str
    context: ConditionContext = field(default_factory=dict)
    resource_policy: str | None = None


def check(principal: Principal | None, required_permissions: Iterator[RequiredPermission]) -> None:
    """Raise AccessDeniedException for the first permission that the principal does not have."""
    if principal is None:
        return
    for permission in required_permissions:
        refusal = principal.refusal(
            permission.action, permission.resource, permission.context, permission.resource_policy
        )
        if refusal:
            raise ServiceError("AccessDeniedException", refusal)


def required_permissions(
    operation: str, request: Mapping[str, Any], store: Store, *, account: str, region: str
) -> Iterator[RequiredPermission]:
    """Yield the permissions that a request of the control plane needs."""
    action = f"sagemaker:{operation}"
    context = _context(request)
    for resource in _resources(operation, request, store, account=account, region=region):
        record = store.find_arn(resource, account=account, region=region)
        tags = versions.tags_of(store, record) if record else {}
        keys = {**context, **_resource_tags(tags), **_registered(record)}
        policy = _policy_of(store, resource, record.members if record else request, account=account, region=region)
        yield RequiredPermission(action, resource, keys, policy)
        if operation.startswith("Create") and request.get("Tags"):
            yield RequiredPermission("sagemaker:AddTags", resource, context)
    for holder in (request, *_definitions(request)):
        for member in _ROLES:
            if member in holder:
                yield RequiredPermission("iam:PassRole", holder[member], {"iam:PassedToService": _SERVICE})


def permissions_to_invoke(
    arn: str, record: Record | None, headers: Mapping[str, str], operation: str = "InvokeEndpoint"
) -> Iterator[RequiredPermission]:
    """Yield the permissions that an invocation needs, whether or not the endpoint exists."""
    targets = {key: headers[header] for key, header in _TARGET_KEYS.items() if header in headers}
    tags = _resource_tags(record.tags if record else {})
    yield RequiredPermission(f"sagemaker:{operation}", arn, {**tags, **targets})


def permissions_to_pull(uri: str) -> Iterator[RequiredPermission]:
    """Yield the permissions that an execution role needs to pull a container by its URI in ECR."""
    yield RequiredPermission("ecr:GetAuthorizationToken", "*")
    registry, _, image = uri.partition("/")
    account, _, _, region, *_ = registry.split(".")
    arn = f"arn:aws:ecr:{region}:{account}:repository/{re.split('[:@]', image, maxsplit=1)[0]}"
    for operation in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"):
        yield RequiredPermission(f"ecr:{operation}", arn)


def permissions_to_attach_volumes(
    resources: Mapping[str, Any], *, account: str, region: str
) -> Iterator[RequiredPermission]:
    """Yield the permissions that an execution role needs to attach a job's encrypted volumes.

    `resources` is a ResourceConfig or ClusterConfig; its VolumeKmsKeyId is a key's ID or ARN.
    """
    key = resources.get("VolumeKmsKeyId")
    if key:
        arn = key if key.startswith("arn:") else f"arn:aws:kms:{region}:{account}:key/{key}"
        yield RequiredPermission("kms:CreateGrant", arn, {"kms:GrantIsForAWSResource": "true"})


def _resources(operation: str, request: Mapping[str, Any], store: Store, *, account: str, region: str) -> list[str]:
    scope = {"account": account, "region": region}
    if operation in api.TAG_OPERATIONS:
        return [request["ResourceArn"]]
    verb, resource_type = api.RESOURCE_OPERATIONS.get(operation, ("", None))
    if operation in api.OF_NO_RESOURCE or verb == RENDER or resource_type is None:
        return ["*"]
    if verb in _LISTED_BY:
        given = request[_LISTED_BY[verb]]
        return [given] if isinstance(given, str) else list(given)
    if verb == "Create" and resource_type.name == "ModelPackage" and resource_type.name_member not in request:
        group = versions.group_of(store, request, **scope)
        return [resource_type.arn(versions.next_name(store, group), **scope) if group else "*"]
    if resource_type.name.startswith("Pipeline") and verb in resource_type.own_verbs:
        return [_pipeline_resource(store, request, **scope)]
    arns = [resource_type.arn_of(request, **scope)]
    if resource_type.name == "Endpoint" and verb in ("Create", "Update"):
        arns.append(RESOURCE_TYPES["EndpointConfig"].arn(request["EndpointConfigName"], **scope))
    return arns


def _pipeline_resource(store: Store, request: Mapping[str, Any], *, account: str, region: str) -> str:
    """Return the execution or the pipeline that a request names, by a callback's token too; "*" if it is nobody's."""
    pipeline = RESOURCE_TYPES["Pipeline"]
    if request.keys() & {pipeline.name_member, pipeline.arn_member}:
        return pipeline.arn_of(request, account=account, region=region)
    if "CallbackToken" in request:
        found = lookup.of_token(store, request["CallbackToken"], account=account, region=region)
        return found[0].arn if found else "*"
    return str(request.get("PipelineExecutionArn", "*"))


def _context(request: Mapping[str, Any]) -> ConditionContext:
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
    types = list(_instance_types(request))
    return {
        **({"sagemaker:InstanceTypes": types} if types else {}),
        **{f"aws:RequestTag/{key}": value for key, value in tags.items()},
        **({"aws:TagKeys": list(tags)} if tags else {}),
        **_keep_alive(request),
        **_registration(request),
        **{
            f"sagemaker:SearchVisibilityCondition/{each['Key']}": each["Value"]
            for each in request.get("VisibilityConditions", ())
            if each.keys() >= {"Key", "Value"}
        },
        **_serverless(request),
        **({_VERSION: request["PipelineVersionId"]} if "PipelineVersionId" in request else {}),
        **_work_team(request),
    }


def _work_team(request: Mapping[str, Any]) -> ConditionContext:
    """Return the condition keys of a labeling job; a team's type is the word in its ARN before its name."""
    arn = request.get("HumanTaskConfig", {}).get("WorkteamArn")
    if arn is None:
        return {}
    key = request["OutputConfig"].get("KmsKeyId")
    return {
        "sagemaker:WorkteamArn": arn,
        "sagemaker:WorkteamType": arn.split("/")[1],
        **({"sagemaker:OutputKmsKey": key} if key else {}),
    }


def _keep_alive(request: Mapping[str, Any]) -> ConditionContext:
    """Return the condition key that SageMaker's guide names, "Use SageMaker AI managed warm pools"."""
    period = request.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds")
    return {} if period is None else {"sagemaker:KeepAlivePeriod": period}


def _serverless(request: Mapping[str, Any]) -> ConditionContext:
    """Return the condition keys of serverless variants; of several, the largest values: not compared with AWS."""
    configs = [each["ServerlessConfig"] for each in request.get("ProductionVariants", ()) if "ServerlessConfig" in each]
    if not configs:
        return {}
    return {
        "sagemaker:ServerlessMaxConcurrency": max(config["MaxConcurrency"] for config in configs),
        "sagemaker:ServerlessMemorySize": max(config["MemorySizeInMB"] for config in configs),
    }


def _registration(request: Mapping[str, Any]) -> ConditionContext:
    """Return the condition keys of what a request makes of a model package."""
    stage = request.get("ModelLifeCycle", {})
    found = {
        "sagemaker:ModelApprovalStatus": request.get("ModelApprovalStatus"),
        "sagemaker:ModelLifeCycle:Stage": stage.get("Stage"),
        "sagemaker:ModelLifeCycle:StageStatus": stage.get("StageStatus"),
        "sagemaker:CustomerMetadataPropertiesToRemove": request.get("CustomerMetadataPropertiesToRemove"),
        **{
            f"sagemaker:CustomerMetadataProperties/{key}": value
            for key, value in request.get("CustomerMetadataProperties", {}).items()
        },
    }
    return {key: value for key, value in found.items() if value is not None}


def _registered(record: Record | None) -> ConditionContext:
    """Return the condition keys of a model package as it is."""
    if record is None or record.resource_type.name != "ModelPackage":
        return {}
    stage = record.members.get("ModelLifeCycle", {})
    return {
        **{
            f"sagemaker:CurrentCustomerMetadataProperties/{key}": value
            for key, value in record.members.get("CustomerMetadataProperties", {}).items()
        },
        **({"sagemaker:CurrentModelLifeCycleStage": stage["Stage"]} if stage else {}),
        **({"sagemaker:CurrentModelLifeCycleStageStatus": stage["StageStatus"]} if stage else {}),
    }


def _policy_of(store: Store, resource: str, members: Mapping[str, Any], *, account: str, region: str) -> str | None:
    """Return the resource policy of a model package group, or of the group that a version belongs to."""
    if ":model-package" not in resource:
        return None
    group = versions.group_of(store, members, account=account, region=region)
    return group.members.get(POLICY) if group else None


def _definitions(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a request's definitions of jobs, a tuning job's or a schedule's, with role and resources of their own."""
    monitoring = request.get("MonitoringScheduleConfig", {})
    holders = [(request, "TrainingJobDefinition"), (monitoring, "MonitoringJobDefinition")]
    given = [holder[name] for holder, name in holders if name in holder]
    return [*given, *request.get("TrainingJobDefinitions", ())]


def _instance_types(request: Mapping[str, Any]) -> Iterator[str]:
    for definition in _definitions(request):
        yield from _instance_types(definition)
    resources = training_resources(request)
    variants = [*request.get("ProductionVariants", ()), *request.get("ShadowProductionVariants", ())]
    transform = request.get("TransformResources", {})
    clusters = [
        request.get(name, {}).get("ClusterConfig", {}) for name in ("ProcessingResources", "MonitoringResources")
    ]
    for holder in (request, resources, *resources.get("InstanceGroups", ()), transform, *clusters, *variants):
        if "InstanceType" in holder:
            yield holder["InstanceType"]


def _resource_tags(tags: Mapping[str, str]) -> ConditionContext:
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
