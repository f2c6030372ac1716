"""What every training of the lab's has in common, of its network or of an algorithm of AWS's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.constructs import statements
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.sagemaker_job import SageMakerJob, instances
from infra.settings import JOB_SECONDS
from teardown.names import LAB_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from infra.constructs.statements import Statement
    from infra.settings import Settings

LOGS = "/aws/sagemaker/TrainingJobs"
_VOLUME_GB = 10


class ModelTraining(SageMakerJob):
    """A training job that leaves a model below training/ of the bucket; see `SageMakerJob` for `identity`.

    `request` is what CreateTrainingJob's has beside what all have; `leaves_receipt` says that the script writes one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        bucket: s3.IBucket,
        key: kms.IKey,
        role: iam.IRole,
        identity: Mapping[str, Any],
        request: Mapping[str, Any],
        count: int = 1,
        leaves_receipt: bool = False,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stem="TrainingJob",
            lab=settings.name,
            role=role,
            key=key,
            identity=identity,
            request={**training_request(settings, bucket=bucket, key=key, role=role, count=count), **request},
            log_retention_days=settings.log_retention_days,
            # It looks whether the artifact is there, and reads its receipt.
            needs=[
                statements.list_bucket(bucket.bucket_arn, prefixes=["training/"]),
                *(_may_read(bucket, key) if leaves_receipt else ()),
            ],
        )
        if leaves_receipt:
            acknowledge(self, {wildcard("…/training/*"): "SageMaker makes the names of the artifacts."})
        self.job_name = self.resource.get_att_string("TrainingJobName")
        self.model_artifact = self.resource.get_att_string("ModelArtifact")


def training_request(
    settings: Settings, *, bucket: s3.IBucket, key: kms.IKey, role: iam.IRole, count: int = 1
) -> dict[str, Any]:
    """Return what every training has in its request."""
    return {
        "EnableInterContainerTrafficEncryption": True,
        "EnableManagedSpotTraining": settings.spot,
        "OutputDataConfig": {"KmsKeyId": key.key_arn, "S3OutputPath": output_of(bucket)},
        "ResourceConfig": instances(settings.training_instance_type, count=count, gigabytes=_VOLUME_GB, key=key),
        "RoleArn": role.role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": settings.max_run, **_spot_limit(settings)},
        "Tags": [{"Key": LAB_TAG, "Value": settings.name}],
    }


def output_of(bucket: s3.IBucket) -> str:
    """Return the address below which all jobs leave their models."""
    return f"s3://{bucket.bucket_name}/training"


def channel(name: str, uri: str, **more: Any) -> dict[str, Any]:
    """Return the channel of this name: all that begins with an address in S3."""
    source = {"S3DataDistributionType": "FullyReplicated", "S3DataType": "S3Prefix", "S3Uri": uri}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}


def _may_read(bucket: s3.IBucket, key: kms.IKey) -> list[Statement]:
    return [
        statements.on_objects(bucket.bucket_arn, actions=["s3:GetObject"], prefixes=["training/"]),
        statements.allow(["kms:Decrypt"], [key.key_arn]),
    ]


def _spot_limit(settings: Settings) -> dict[str, int]:
    """Return the limit that only spot instances have: for the waiting, between interruptions too, and the run."""
    return {"MaxWaitTimeInSeconds": JOB_SECONDS} if settings.spot else {}
