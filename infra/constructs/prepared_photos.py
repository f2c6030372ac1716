"""The team's own photos, made into the lab's data set by a processing job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.constructs import processing, statements
from infra.constructs.catalog import TABLE
from infra.constructs.execution_role import ExecutionRole, run_jobs, run_jobs_wildcards
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.images import ContainerImage
from infra.constructs.sagemaker_job import SageMakerJob, instances
from teardown.names import LAB_TAG

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from infra.settings import Settings

_VOLUME_GB = 30


class PreparedPhotos(Construct):
    """Puts the photos of a folder below photos/ of the bucket, the four files to data/, and fills the lab's table.

    `code` is the key of the archive with prepare.py in the bucket, `code_digest` the hash of what lies there. `digest`
    tells the photos from others.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        folder: Path,
        bucket: s3.IBucket,
        key: kms.IKey,
        code: str,
        code_digest: str,
    ) -> None:
        super().__init__(scope, construct_id)
        image = ContainerImage.training(self)
        archive = assets.Asset(self, "Photos", path=str(folder))
        self.digest = archive.asset_hash
        role = PreparingRole(
            self,
            "Role",
            lab=settings.name,
            bucket=bucket,
            key=key,
            image=image,
            archive=archive,
            code=code,
        )
        place = f"s3://{bucket.bucket_name}/"
        resources = instances(settings.training_instance_type, gigabytes=_VOLUME_GB, key=key)
        SageMakerJob(
            self,
            "Job",
            stem="ProcessingJob",
            lab=settings.name,
            role=role,
            key=key,
            identity={
                "Code": code_digest,
                "Image": image.uri,
                "InstanceType": settings.training_instance_type,
                "Photos": self.digest,
            },
            request={
                "AppSpecification": {
                    "ImageUri": image.uri,
                    "ContainerEntrypoint": processing.entrypoint("prepare.py"),
                    "ContainerArguments": _arguments(place),
                },
                "Environment": {"AWS_DEFAULT_REGION": Stack.of(self).region},
                # The program reads and writes S3 itself, which network isolation would forbid.
                "NetworkConfig": {"EnableInterContainerTrafficEncryption": True, "EnableNetworkIsolation": False},
                "ProcessingInputs": [
                    processing.read("code", f"{place}{code}"),
                    processing.read("archive", archive.s3_object_url),
                ],
                "ProcessingOutputConfig": {
                    "KmsKeyId": key.key_arn,
                    "Outputs": [processing.written("data", f"{place}data")],
                },
                "ProcessingResources": {"ClusterConfig": resources},
                "RoleArn": role.role_arn,
                "StoppingCondition": {"MaxRuntimeInSeconds": settings.max_run},
                "Tags": [{"Key": LAB_TAG, "Value": settings.name}],
            },
            log_retention_days=settings.log_retention_days,
        )


class PreparingRole(ExecutionRole):
    """Reads the archive of photos and the code, keeps photos below photos/, writes data/ and the table."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        lab: str,
        bucket: s3.IBucket,
        key: kms.IKey,
        image: ContainerImage,
        archive: assets.Asset,
        code: str,
    ) -> None:
        written, own = ["data/", "photos/", "prepared/"], bucket.bucket_arn
        super().__init__(
            scope,
            construct_id,
            description=f"What the job may do that prepares the photos of the lab {lab}",
            policy=[
                statements.list_bucket(own, prefixes=[code, *written]),
                statements.allow(
                    ["s3:ListBucket"],
                    [archive.bucket.bucket_arn],
                    {"StringLike": {"s3:prefix": archive.s3_object_key}},
                ),
                statements.allow(
                    ["s3:GetObject"],
                    [archive.bucket.arn_for_objects(archive.s3_object_key), f"{own}/{code}", f"{own}/photos/*"],
                ),
                statements.on_objects(own, actions=["s3:AbortMultipartUpload", "s3:PutObject"], prefixes=written),
                statements.on_objects(own, actions=["s3:DeleteObject"], prefixes=["photos/"]),
                *run_jobs(lab=lab, key_arn=key.key_arn, image=image, group=processing.LOGS),
            ],
        )
        acknowledge(
            self,
            {
                wildcard("…/data/*"): "The four files and the report.",
                wildcard("…/photos/*"): "Photos have the names that the team gave them.",
                wildcard("…/prepared/*"): "The table's file.",
                **run_jobs_wildcards(lab=lab, group=processing.LOGS),
            },
        )


def _arguments(place: str) -> list[str]:
    arguments = {
        "--archive": processing.input_folder("archive"),
        "--photos": f"{place}photos/",
        "--table": f"{place}prepared/{TABLE}/",
        "--output": processing.OUTPUT,
        "--message": processing.MESSAGE,
    }
    return processing.arguments(arguments)
