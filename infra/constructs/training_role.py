"""The training job's execution role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from infra.constructs import statements
from infra.constructs.execution_role import ExecutionRole, run_jobs, running_jobs
from infra.constructs.findings import acknowledge, wildcard

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from infra.constructs.images import ContainerImage
    from infra.constructs.source_directory import SourceDirectory
_LOGS = "/aws/sagemaker/TrainingJobs"


class TrainingRole(ExecutionRole):
    """Reads the data and the code, writes below training/, keeps checkpoints there, its own logs and metrics."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        lab: str,
        bucket: s3.IBucket,
        key: kms.IKey,
        image: ContainerImage,
        source: SourceDirectory,
    ) -> None:
        read_code = iam.PolicyStatement(
            actions=["s3:GetObject"], resources=[source.bucket.arn_for_objects(source.s3_object_key)]
        )
        super().__init__(
            scope,
            construct_id,
            description=f"What the training jobs of the lab {lab} may do",
            policy=iam.PolicyDocument(
                statements=[
                    statements.list_bucket(bucket, prefixes=["data/", "training/"]),
                    statements.on_objects(bucket, actions=["s3:GetObject"], prefixes=["data/"]),
                    statements.on_objects(
                        bucket, actions=["s3:AbortMultipartUpload", "s3:PutObject"], prefixes=["training/"]
                    ),
                    # SageMaker brings them back after an interruption, and deletes what the script has deleted.
                    statements.on_objects(
                        bucket,
                        actions=["s3:DeleteObject", "s3:GetObject"],
                        prefixes=["training/*/checkpoints/"],
                    ),
                    read_code,
                    *run_jobs(lab=lab, key=key, image=image, group=_LOGS),
                ]
            ),
        )
        acknowledge(
            self,
            {
                wildcard("…/data/*"): "Every file of the data set.",
                wildcard("…/training/*"): "SageMaker makes the names of the artifacts.",
                wildcard("…/training/*/checkpoints/*"): "A job's name holds a hash of what it trains.",
                **running_jobs(lab=lab, group=_LOGS),
            },
        )
