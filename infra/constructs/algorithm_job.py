"""The training job of one of AWS's algorithms, on the bricks' features, and the role that it runs with.

It is without network, which AWS's containers do not need (SageMaker's guide, "Run Training and Inference Containers in
Internet-Free Mode", names those that can't be). An interrupted one begins anew on spot instances: that XGBoost could
keep checkpoints is not made use of. Not compared with AWS: that the metrics of an algorithm come to FinalMetricDataList
under the names that its guide has for tuning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra import algorithms
from infra.constructs import algorithm_images, statements
from infra.constructs.brick_features import PREFIX
from infra.constructs.execution_role import ExecutionRole, run_jobs, run_jobs_wildcards
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.model_training import LOGS, ModelTraining, channel

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from infra.constructs.brick_features import BrickFeatures
    from infra.constructs.images import ContainerImage
    from infra.settings import Settings


class AlgorithmJob(ModelTraining):
    """Trains when its features, hyperparameters, image or instance type are new, and only then."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        bucket: s3.IBucket,
        key: kms.IKey,
        features: BrickFeatures,
    ) -> None:
        image = algorithm_images.of_the_lab(scope, algorithms.BUILT_IN[settings.algorithm])
        role = AlgorithmRole(scope, f"{construct_id}Role", lab=settings.name, bucket=bucket, key=key, image=image)
        super().__init__(
            scope,
            construct_id,
            settings=settings,
            bucket=bucket,
            key=key,
            role=role,
            identity={
                "Features": features.digest,
                "HyperParameters": settings.algorithm_hyperparameters(),
                "Image": image.uri,
                "InstanceType": settings.training_instance_type,
            },
            request=_request(settings, image=image, features=features),
        )
        self.resource.node.add_dependency(features.job)


class AlgorithmRole(ExecutionRole):
    """Reads the features, writes below training/, its own logs and metrics."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        lab: str,
        bucket: s3.IBucket,
        key: kms.IKey,
        image: ContainerImage,
    ) -> None:
        own = bucket.bucket_arn
        super().__init__(
            scope,
            construct_id,
            description=f"What the training jobs of AWS's algorithms may do in the lab {lab}",
            policy=[
                statements.list_bucket(own, prefixes=[PREFIX, "training/"]),
                statements.on_objects(own, actions=["s3:GetObject"], prefixes=[PREFIX]),
                statements.on_objects(own, actions=["s3:AbortMultipartUpload", "s3:PutObject"], prefixes=["training/"]),
                *run_jobs(lab=lab, key_arn=key.key_arn, image=image, group=LOGS),
            ],
        )
        acknowledge(
            self,
            {
                wildcard(f"…/{PREFIX}*"): "The rows lie under a hash of what made them.",
                wildcard("…/training/*"): "SageMaker makes the names of the artifacts.",
                **run_jobs_wildcards(lab=lab, group=LOGS),
            },
        )


def _request(settings: Settings, *, image: ContainerImage, features: BrickFeatures) -> dict[str, Any]:
    """Return what only an algorithm's request has; it has metrics of its own, and no others."""
    algorithm = algorithms.BUILT_IN[settings.algorithm]
    parts = {"train": "train", algorithm.evaluation: "test"}
    return {
        "AlgorithmSpecification": {"TrainingImage": image.uri, "TrainingInputMode": "File"},
        "EnableNetworkIsolation": True,
        "HyperParameters": settings.algorithm_hyperparameters(),
        "InputDataConfig": [
            channel(name, features.channel(part), ContentType=algorithm.content_type) for name, part in parts.items()
        ],
    }
