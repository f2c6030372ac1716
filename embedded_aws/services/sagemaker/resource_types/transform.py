"""Transform jobs.

`Could not find requested job with name` and `Job name must be unique …`: clients' tests and logs, of other jobs than
transform jobs. What Describe fills in: the SageMaker SDK's own example of an answer. `The request was rejected because
the transform job is in status …`: a client's test of StopTransformJob.
"""

from __future__ import annotations

from embedded_aws.services.sagemaker.errors import IN_USE
from embedded_aws.services.sagemaker.resource_types.members import DONE, RECORDED, REFUSED, TAGS, done, only
from embedded_aws.services.sagemaker.resource_types.resource_type import (
    ENDED,
    NestedDefaults,
    ResourceType,
    job_preconditions,
    name_in,
)

TRANSFORM_JOB = ResourceType(
    name="TransformJob",
    arn_type="transform-job",
    members={
        "Create": {
            "TransformJobName": DONE,
            "ModelName": DONE,
            "MaxConcurrentTransforms": DONE,
            "ModelClientConfig": {"InvocationsTimeoutInSeconds": DONE, "InvocationsMaxRetries": DONE},
            "MaxPayloadInMB": DONE,
            "BatchStrategy": DONE,
            "Environment": DONE,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": only("S3Prefix", "ManifestFile"), "S3Uri": DONE}},
                "ContentType": DONE,
                "CompressionType": DONE,
                "SplitType": only("None", "Line", "RecordIO"),
            },
            "TransformOutput": {"S3OutputPath": DONE, "Accept": DONE, "AssembleWith": DONE, "KmsKeyId": DONE},
            "DataCaptureConfig": REFUSED,
            "TransformResources": {
                "InstanceType": done("counts against its quota; the machine is yours"),
                "InstanceCount": only(1),
                "VolumeKmsKeyId": RECORDED,
                "TransformAmiVersion": REFUSED,
            },
            "DataProcessing": {"InputFilter": DONE, "OutputFilter": DONE, "JoinSource": DONE},
            "Tags": TAGS,
            "ExperimentConfig": REFUSED,
        }
    },
    verbs=("Create", "Describe", "List", "Stop"),
    status="TransformJobStatus",
    first_status="InProgress",
    preconditions=job_preconditions("transform job", deletable=False),
    references={"Model": name_in("ModelName")},
    quota_usage="transform job",
    idle_statuses=ENDED,
    defaults={
        "TransformInput": NestedDefaults({"CompressionType": "None", "SplitType": "None"}),
        "TransformOutput": NestedDefaults({"AssembleWith": "None", "KmsKeyId": ""}),
    },
    not_found="Could not find requested job with name: {name}",
    exists_code=IN_USE,
    exists="Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
)
