"""Training jobs.

Wording of the errors, and who quotes it: `Requested resource not found` (terraform-provider-aws, moto); `The request
was rejected because the training job is in status …` (error matchers of several clients). Which jobs can be deleted:
botocore's model. What Describe fills in: DescribeTrainingJob's answers that users published, the last of May 2025.
Not compared with AWS: the sentence of DeleteTrainingJob.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import IN_USE
from embedded_aws.services.sagemaker.resource_types.members import (
    DONE,
    ISOLATED,
    RECORDED,
    REFUSED,
    TAGS,
    Members,
    done,
    only,
    recorded,
)
from embedded_aws.services.sagemaker.resource_types.resource_type import (
    ENDED,
    NestedDefaults,
    ResourceType,
    job_preconditions,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_ONE_MACHINE = "all runs on one machine"

ALGORITHM: Members = {
    "TrainingImage": DONE,
    "AlgorithmName": REFUSED,
    "TrainingInputMode": DONE,
    "MetricDefinitions": {"Name": DONE, "Regex": DONE},
    "EnableSageMakerMetricsTimeSeries": RECORDED,
    "ContainerEntrypoint": DONE,
    "ContainerArguments": DONE,
    "TrainingImageConfig": REFUSED,
}
CHANNEL: Members = {
    "ChannelName": DONE,
    "DataSource": {
        "S3DataSource": {
            "S3DataType": only("S3Prefix", "ManifestFile", "AugmentedManifestFile"),
            "S3Uri": DONE,
            "S3DataDistributionType": DONE,
            "AttributeNames": DONE,
            "InstanceGroupNames": DONE,
            "ModelAccessConfig": REFUSED,
            "HubAccessConfig": REFUSED,
        },
        "FileSystemDataSource": REFUSED,
        "DatasetSource": REFUSED,
    },
    "ContentType": DONE,
    "CompressionType": only("None"),
    "RecordWrapperType": DONE,
    "InputMode": DONE,
    "ShuffleConfig": REFUSED,
}
OUTPUT: Members = {"KmsKeyId": DONE, "S3OutputPath": DONE, "CompressionType": only("GZIP")}
RESOURCES: Members = {
    "InstanceType": done("counts against its quota; the machine is yours"),
    "InstanceCount": DONE,
    "VolumeSizeInGB": RECORDED,
    "VolumeKmsKeyId": RECORDED,
    "KeepAlivePeriodInSeconds": done("the next matching job finds Python running, and its cache"),
    "InstanceGroups": {"InstanceType": DONE, "InstanceCount": DONE, "InstanceGroupName": DONE},
    "TrainingPlanArn": REFUSED,
    "InstancePlacementConfig": REFUSED,
    "InstancePreferences": REFUSED,
    "SelectedInstanceType": REFUSED,
    "SelectedInstanceCount": REFUSED,
}
STOPPING: Members = {
    "MaxRuntimeInSeconds": DONE,
    "MaxWaitTimeInSeconds": DONE,
    "MaxPendingTimeInSeconds": recorded("there is no wait for capacity"),
}
PROFILER: Members = {
    "S3OutputPath": recorded("nothing is sampled"),
    "ProfilingIntervalInMilliseconds": recorded("nothing is sampled"),
    "ProfilingParameters": REFUSED,
    "DisableProfiler": RECORDED,
}
CHECKPOINTS: Members = {"S3Uri": DONE, "LocalPath": DONE}
# The members that a training job and a tuning job's definition of one have in common.
COMMON: Members = {
    "RoleArn": DONE,
    "InputDataConfig": CHANNEL,
    "OutputDataConfig": OUTPUT,
    "ResourceConfig": RESOURCES,
    "VpcConfig": REFUSED,
    "StoppingCondition": STOPPING,
    "EnableNetworkIsolation": done(ISOLATED),
    "EnableInterContainerTrafficEncryption": recorded(_ONE_MACHINE),
    "EnableManagedSpotTraining": DONE,
    "CheckpointConfig": CHECKPOINTS,
    "Environment": DONE,
    "RetryStrategy": {"MaximumRetryAttempts": recorded("a job whose instances are lost has failed")},
}


def _makes_time_series(algorithm: Mapping[str, Any]) -> bool:
    """Return whether metrics become time series by default, as AlgorithmSpecification's reference has it."""
    return bool(algorithm.get("MetricDefinitions")) or "/tensorflow-training:" in algorithm.get("TrainingImage", "")


def profiling_status(members: Mapping[str, Any]) -> str:
    """Return whether AWS profiles the instances: where there is a ProfilerConfig, unless that switches it off."""
    profiler = members.get("ProfilerConfig", {"DisableProfiler": True})
    return "Disabled" if profiler.get("DisableProfiler") else "Enabled"


TRAINING_JOB = ResourceType(
    name="TrainingJob",
    arn_type="training-job",
    members={
        "Create": {
            **COMMON,
            "TrainingJobName": DONE,
            "HyperParameters": DONE,
            "AlgorithmSpecification": ALGORITHM,
            "Tags": TAGS,
            "DebugHookConfig": {
                "LocalPath": RECORDED,
                "S3OutputPath": recorded("the images have no debugger that would write there"),
                "HookParameters": REFUSED,
                "CollectionConfigurations": REFUSED,
            },
            "DebugRuleConfigurations": REFUSED,
            "TensorBoardOutputConfig": {"LocalPath": DONE, "S3OutputPath": DONE},
            "ExperimentConfig": REFUSED,
            "ProfilerConfig": PROFILER,
            "ProfilerRuleConfigurations": REFUSED,
            "RemoteDebugConfig": {"EnableRemoteDebug": only(False)},
            "InfraCheckConfig": {"EnableInfraCheck": only(False)},
            "SessionChainingConfig": REFUSED,
            "ServerlessJobConfig": REFUSED,
            "MlflowConfig": REFUSED,
            "ModelPackageConfig": REFUSED,
        },
        "Update": {
            "TrainingJobName": DONE,
            "ProfilerConfig": PROFILER,
            "ProfilerRuleConfigurations": REFUSED,
            "ResourceConfig": {"KeepAlivePeriodInSeconds": DONE},
            "RemoteDebugConfig": {"EnableRemoteDebug": only(False)},
        },
    },
    verbs=("Create", "Describe", "List", "Update", "Stop", "Delete"),
    status="TrainingJobStatus",
    first_status="InProgress",
    preconditions=job_preconditions("training job"),
    defaults={
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        "SecondaryStatus": "Starting",
        "AlgorithmSpecification": NestedDefaults({"EnableSageMakerMetricsTimeSeries": _makes_time_series}),
        "InputDataConfig": NestedDefaults({"CompressionType": "None", "RecordWrapperType": "None"}),
        "OutputDataConfig": NestedDefaults({"KmsKeyId": "", "CompressionType": "GZIP"}),
        "ProfilerConfig": NestedDefaults({"ProfilingIntervalInMilliseconds": 500}),
        "DebugHookConfig": NestedDefaults({"CollectionConfigurations": []}),
        "ProfilingStatus": profiling_status,
    },
    quota_usage="training job",
    idle_statuses=ENDED,
    not_found="Requested resource not found.",
    exists_code=IN_USE,
    exists="Training job names must be unique within an AWS account and region, "
    "and a training job with this name already exists ({arn})",
    sort_order="Ascending",
)
