"""Processing jobs.

`Job name must be unique …`: users' logs of CreateProcessingJob. `Could not find requested job with name`: clients'
tests and logs. Which jobs can be deleted: botocore's model. Not compared with AWS: the sentences of
StopProcessingJob and of DeleteProcessingJob.
"""

from __future__ import annotations

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
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED, ResourceType, job_preconditions

DAY = 86_400

_INPUT: Members = {
    "InputName": DONE,
    "AppManaged": DONE,
    "S3Input": {
        "S3Uri": DONE,
        "LocalPath": DONE,
        "S3DataType": DONE,
        "S3InputMode": only("File"),
        "S3DataDistributionType": DONE,
        "S3CompressionType": only("None"),
    },
    "DatasetDefinition": REFUSED,
}
_OUTPUT: Members = {
    "OutputName": DONE,
    "S3Output": {"S3Uri": DONE, "LocalPath": DONE, "S3UploadMode": DONE},
    "FeatureStoreOutput": REFUSED,
    "AppManaged": DONE,
}
_CLUSTER: Members = {
    "InstanceCount": DONE,
    "InstanceType": done("counts against its quota; the machine is yours"),
    "VolumeSizeInGB": RECORDED,
    "VolumeKmsKeyId": RECORDED,
    "InstancePreferences": REFUSED,
    "SelectedInstanceType": REFUSED,
    "SelectedInstanceCount": REFUSED,
}

PROCESSING_JOB = ResourceType(
    name="ProcessingJob",
    arn_type="processing-job",
    members={
        "Create": {
            "ProcessingInputs": _INPUT,
            "ProcessingOutputConfig": {"Outputs": _OUTPUT, "KmsKeyId": DONE},
            "ProcessingJobName": DONE,
            "ProcessingResources": {"ClusterConfig": _CLUSTER},
            "StoppingCondition": {"MaxRuntimeInSeconds": DONE},
            "AppSpecification": {"ImageUri": DONE, "ContainerEntrypoint": DONE, "ContainerArguments": DONE},
            "Environment": DONE,
            "NetworkConfig": {
                "EnableInterContainerTrafficEncryption": recorded("all runs on one machine"),
                "EnableNetworkIsolation": done(ISOLATED),
                "VpcConfig": REFUSED,
            },
            "RoleArn": DONE,
            "Tags": TAGS,
            "ExperimentConfig": REFUSED,
        }
    },
    verbs=("Create", "Describe", "List", "Stop", "Delete"),
    status="ProcessingJobStatus",
    first_status="InProgress",
    preconditions=job_preconditions("processing job"),
    defaults={"StoppingCondition": {"MaxRuntimeInSeconds": DAY}},
    quota_usage="processing job",
    idle_statuses=ENDED,
    not_found="Could not find requested job with name: {name}",
    exists_code=IN_USE,
    exists="Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
)
