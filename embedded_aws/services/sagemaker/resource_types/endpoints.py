"""Models, endpoint configs and endpoints.

Wording of the errors, and who quotes it: `Could not find …`, `Cannot create already existing …`
(terraform-provider-aws, moto, ACK's controller); `Cannot update in-progress endpoint …`, for DeleteEndpoint too (ACK's
controller, logs); `Cannot update endpoint with the currently in use …` (a comment in a deployment script that met it).
That a Failed endpoint can only be deleted: botocore's model. What Describe fills in: an answer of DescribeModel that a
user published in May 2025; it also tells ModelDataUrl once more as ModelDataSource, which is not done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.resource_types.members import (
    DONE,
    RECORDED,
    REFUSED,
    TAGS,
    Members,
    done,
    only,
    recorded,
)
from embedded_aws.services.sagemaker.resource_types.resource_type import (
    NestedDefaults,
    Precondition,
    ResourceType,
    name_in,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPLOYMENT = "Deployment"
"""Where an endpoint's record holds what the fleet that serves is made of, beside DescribeEndpoint's answer."""
PENDING_DEPLOYMENT = "PendingDeployment"
"""Likewise what the fleet that comes up is made of."""
UPDATE_WEIGHTS_AND_CAPACITIES = "Update{}WeightsAndCapacities"

_VARIANTS = ("ProductionVariants", "ShadowProductionVariants")
_ENDPOINT = 'Cannot update in-progress endpoint "{arn}".'


def _stage(members: Mapping[str, Any]) -> list[Any]:
    """Return the VariantStatus of each of an endpoint's variants that has one."""
    holders = (members, members.get("PendingDeploymentSummary", {}))
    variants = [each for holder in holders for kind in _VARIANTS for each in holder.get(kind, ())]
    return [each["VariantStatus"] for each in variants if "VariantStatus" in each]


def _models_of_variants(request: Mapping[str, Any]) -> list[str]:
    variants = [each for kind in _VARIANTS for each in request.get(kind, ())]
    return [variant["ModelName"] for variant in variants if "ModelName" in variant]


_CONTAINER: Members = {
    "ContainerHostname": done("of several containers, which are processes on this machine"),
    "Image": DONE,
    "ImageConfig": REFUSED,
    "Mode": DONE,
    "ModelDataUrl": DONE,
    "ModelDataSource": REFUSED,
    "AdditionalModelDataSources": REFUSED,
    "Environment": DONE,
    "ModelPackageName": done("a version that is Approved, or an unversioned package; all of its containers serve"),
    "InferenceSpecificationName": done("one of its AdditionalInferenceSpecifications"),
    "MultiModelConfig": {"ModelCacheSetting": DONE},
    "ContainerMetricsConfig": REFUSED,
}
_VARIANT: Members = {
    "VariantName": DONE,
    "ModelName": DONE,
    "InitialInstanceCount": done("host processes, all on this machine; counts against the quota"),
    "InstanceType": done("counts against its quota; the machine is yours"),
    "InstancePools": REFUSED,
    "VariantInstanceProvisionTimeoutInSeconds": RECORDED,
    "InitialVariantWeight": DONE,
    "AcceleratorType": REFUSED,
    "CoreDumpConfig": REFUSED,
    "ServerlessConfig": {
        "MemorySizeInMB": done("the container's limit"),
        "MaxConcurrency": done("a container for each, as many as this machine has processors, 4 at least"),
        "ProvisionedConcurrency": done("likewise"),
    },
    "VolumeSizeInGB": RECORDED,
    "ModelDataDownloadTimeoutInSeconds": RECORDED,
    "ContainerStartupHealthCheckTimeoutInSeconds": DONE,
    "EnableSSMAccess": only(False),
    "ManagedInstanceScaling": REFUSED,
    "RoutingConfig": {
        "RoutingStrategy": DONE,
        "PrefixAwareRoutingConfig": REFUSED,
    },
    "InferenceAmiVersion": RECORDED,
    "CapacityReservationConfig": REFUSED,
}
_CAPTURE: Members = {
    "EnableCapture": DONE,
    "InitialSamplingPercentage": DONE,
    "DestinationS3Uri": DONE,
    "KmsKeyId": DONE,
    "CaptureOptions": {"CaptureMode": DONE},
    "CaptureContentTypeHeader": {"CsvContentTypes": DONE, "JsonContentTypes": DONE},
}
_SIZE: Members = {"Type": DONE, "Value": DONE}
_DEPLOYMENT_CONFIG: Members = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": DONE,
            "WaitIntervalInSeconds": DONE,
            "CanarySize": _SIZE,
            "LinearStepSize": _SIZE,
        },
        "TerminationWaitInSeconds": DONE,
        "MaximumExecutionTimeoutInSeconds": DONE,
    },
    "RollingUpdatePolicy": {
        "MaximumBatchSize": _SIZE,
        "WaitIntervalInSeconds": DONE,
        "MaximumExecutionTimeoutInSeconds": DONE,
        "RollbackMaximumBatchSize": _SIZE,
    },
    "AutoRollbackConfiguration": {"Alarms": {"AlarmName": done("read as the model's execution role")}},
}
_NETWORK: Members = {
    "SecurityGroupIds": recorded("there is no network of its own"),
    "Subnets": recorded("there is no network of its own"),
}


MODEL = ResourceType(
    name="Model",
    arn_type="model",
    members={
        "Create": {
            "ModelName": DONE,
            "PrimaryContainer": _CONTAINER,
            "Containers": _CONTAINER,
            "InferenceExecutionConfig": {"Mode": DONE},
            "ExecutionRoleArn": DONE,
            "Tags": TAGS,
            "VpcConfig": _NETWORK,
            "EnableNetworkIsolation": done("no credentials, no package index; in a sandbox the loopback alone"),
        }
    },
    defaults={
        "EnableNetworkIsolation": False,
        "PrimaryContainer": NestedDefaults({"Mode": "SingleModel"}),
        "Containers": NestedDefaults({"Mode": "SingleModel"}),
    },
    not_found='Could not find model "{arn}".',
    exists='Cannot create already existing model "{arn}".',
)

ENDPOINT_CONFIG = ResourceType(
    name="EndpointConfig",
    arn_type="endpoint-config",
    members={
        "Create": {
            "EndpointConfigName": DONE,
            "ProductionVariants": _VARIANT,
            "DataCaptureConfig": _CAPTURE,
            "Tags": TAGS,
            "KmsKeyId": recorded("no volume is encrypted"),
            "AsyncInferenceConfig": {
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": done("4 if it is left out")},
                "OutputConfig": {
                    "KmsKeyId": DONE,
                    "S3OutputPath": DONE,
                    "S3FailurePath": DONE,
                    "NotificationConfig": {
                        "SuccessTopic": DONE,
                        "ErrorTopic": DONE,
                        "IncludeInferenceResponseIn": DONE,
                    },
                },
            },
            "ExplainerConfig": REFUSED,
            "ShadowProductionVariants": _VARIANT,
            "ExecutionRoleArn": REFUSED,
            "VpcConfig": REFUSED,
            "EnableNetworkIsolation": only(False),
            "MetricsConfig": REFUSED,
        }
    },
    defaults={"EnableNetworkIsolation": False},
    references={"Model": _models_of_variants},
    not_found='Could not find endpoint configuration "{arn}".',
    exists='Cannot create already existing endpoint configuration "{arn}".',
)

ENDPOINT = ResourceType(
    name="Endpoint",
    arn_type="endpoint",
    members={
        "Create": {
            "EndpointName": DONE,
            "EndpointConfigName": DONE,
            "DeploymentConfig": _DEPLOYMENT_CONFIG,
            "Tags": TAGS,
        },
        "Update": {
            "EndpointName": DONE,
            "EndpointConfigName": DONE,
            "RetainAllVariantProperties": DONE,
            "ExcludeRetainedVariantProperties": {"VariantPropertyType": DONE},
            "DeploymentConfig": _DEPLOYMENT_CONFIG,
            "RetainDeploymentConfig": DONE,
        },
        UPDATE_WEIGHTS_AND_CAPACITIES: {
            "EndpointName": DONE,
            "DesiredWeightsAndCapacities": {
                "VariantName": DONE,
                "DesiredWeight": DONE,
                "DesiredInstanceCount": done("host processes come and go"),
                "ServerlessUpdateConfig": {"MaxConcurrency": DONE, "ProvisionedConcurrency": DONE},
            },
        },
    },
    verbs=("Create", "Describe", "List", "Update", UPDATE_WEIGHTS_AND_CAPACITIES, "Delete"),
    status="EndpointStatus",
    first_status="Creating",
    stage=_stage,
    preconditions={
        "Update": Precondition(("InService", "OutOfService", "UpdateRollbackFailed"), _ENDPOINT),
        UPDATE_WEIGHTS_AND_CAPACITIES: Precondition(("InService",), _ENDPOINT),
        "Delete": Precondition(("InService", "OutOfService", "UpdateRollbackFailed", "Failed"), _ENDPOINT),
    },
    renamed={"DeploymentConfig": "LastDeploymentConfig"},
    references={"EndpointConfig": name_in("EndpointConfigName")},
    quota_usage="endpoint",
    idle_statuses=("Failed", "Deleting", "OutOfService"),
    not_found='Could not find endpoint "{arn}".',
    exists='Cannot create already existing endpoint "{arn}".',
)
