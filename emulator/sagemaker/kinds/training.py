"""Training jobs.

Wording of the errors, and who quotes it: `Requested resource not found` (terraform-provider-aws, moto); `The request
was rejected because the training job is in status …` (error matchers of several clients). Which jobs can be deleted:
botocore's model. Not compared with AWS: the sentence of DeleteTrainingJob.
"""

from __future__ import annotations

from emulator.sagemaker.errors import IN_USE
from emulator.sagemaker.kinds.kind import ENDED, Kind, job_rules
from emulator.sagemaker.kinds.members import DONE, RECORDED, REFUSED, TAGS, Members, done, only, recorded

_ONE_MACHINE = "all runs on one machine"
MODES = only("File", "FastFile")

ALGORITHM: Members = {
    "TrainingImage": DONE,
    "AlgorithmName": REFUSED,
    "TrainingInputMode": MODES,
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
            "S3DataType": only("S3Prefix", "ManifestFile"),
            "S3Uri": DONE,
            "S3DataDistributionType": DONE,
            "AttributeNames": REFUSED,
            "InstanceGroupNames": DONE,
            "ModelAccessConfig": REFUSED,
            "HubAccessConfig": REFUSED,
        },
        "FileSystemDataSource": REFUSED,
        "DatasetSource": REFUSED,
    },
    "ContentType": DONE,
    "CompressionType": only("None"),
    "RecordWrapperType": only("None"),
    "InputMode": MODES,
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
CHECKPOINTS: Members = {"S3Uri": DONE, "LocalPath": DONE}
# What a training job and a tuning job's definition of one have alike.
COMMON: Members = {
    "RoleArn": DONE,
    "InputDataConfig": CHANNEL,
    "OutputDataConfig": OUTPUT,
    "ResourceConfig": RESOURCES,
    "VpcConfig": REFUSED,
    "StoppingCondition": STOPPING,
    "EnableNetworkIsolation": done("no credentials, no package index"),
    "EnableInterContainerTrafficEncryption": recorded(_ONE_MACHINE),
    "EnableManagedSpotTraining": DONE,
    "CheckpointConfig": CHECKPOINTS,
    "Environment": DONE,
    "RetryStrategy": REFUSED,
}

TRAINING_JOB = Kind(
    name="TrainingJob",
    arn_type="training-job",
    members={
        "Create": {
            **COMMON,
            "TrainingJobName": DONE,
            "HyperParameters": DONE,
            "AlgorithmSpecification": ALGORITHM,
            "Tags": TAGS,
            "DebugHookConfig": REFUSED,
            "DebugRuleConfigurations": REFUSED,
            "TensorBoardOutputConfig": {"LocalPath": DONE, "S3OutputPath": DONE},
            "ExperimentConfig": REFUSED,
            "ProfilerConfig": REFUSED,
            "ProfilerRuleConfigurations": REFUSED,
            "RemoteDebugConfig": REFUSED,
            "InfraCheckConfig": REFUSED,
            "SessionChainingConfig": REFUSED,
            "ServerlessJobConfig": REFUSED,
            "MlflowConfig": REFUSED,
            "ModelPackageConfig": REFUSED,
        },
        "Update": {
            "TrainingJobName": DONE,
            "ProfilerConfig": REFUSED,
            "ProfilerRuleConfigurations": REFUSED,
            "ResourceConfig": {"KeepAlivePeriodInSeconds": DONE},
            "RemoteDebugConfig": REFUSED,
        },
    },
    verbs=("Create", "Describe", "List", "Update", "Stop", "Delete"),
    status="TrainingJobStatus",
    first_status="InProgress",
    rules=job_rules("training job"),
    defaults={
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        "SecondaryStatus": "Starting",
    },
    usage="training job",
    idle=ENDED,
    not_found="Requested resource not found.",
    exists_code=IN_USE,
    exists="Training job names must be unique within an AWS account and region, "
    "and a training job with this name already exists ({arn})",
    sort_order="Ascending",
)
