"""The execution role of the job that prepares the lab's photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from infra.constructs import statements
from infra.constructs.execution_role import ExecutionRole, run_jobs, running_jobs
from infra.constructs.findings import acknowledge, wildcard

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_s3_assets as assets
    from constructs import Construct

    from infra.constructs.images import ContainerImage

_LOGS = "/aws/sagemaker/ProcessingJobs"


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
        written = ["data/", "photos/", "prepared/"]
        super().__init__(
            scope,
            construct_id,
            description=f"What the job may do that prepares the photos of the lab {lab}",
            policy=iam.PolicyDocument(
                statements=[
                    statements.list_bucket(bucket, prefixes=[code, *written]),
                    iam.PolicyStatement(
                        actions=["s3:ListBucket"],
                        resources=[archive.bucket.bucket_arn],
                        conditions={"StringLike": {"s3:prefix": archive.s3_object_key}},
                    ),
                    iam.PolicyStatement(
                        actions=["s3:GetObject"],
                        resources=[
                            archive.bucket.arn_for_objects(archive.s3_object_key),
                            bucket.arn_for_objects(code),
                            bucket.arn_for_objects("photos/*"),
                        ],
                    ),
                    statements.on_objects(
                        bucket, actions=["s3:AbortMultipartUpload", "s3:PutObject"], prefixes=written
                    ),
                    statements.on_objects(bucket, actions=["s3:DeleteObject"], prefixes=["photos/"]),
                    *run_jobs(lab=lab, key=key, image=image, group=_LOGS),
                ]
            ),
        )
        acknowledge(
            self,
            {
                wildcard("…/data/*"): "The four files and the report.",
                wildcard("…/photos/*"): "Photos have the names that the team gave them.",
                wildcard("…/prepared/*"): "The table's file.",
                **running_jobs(lab=lab, group=_LOGS),
            },
        )
