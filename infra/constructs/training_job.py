"""The lab's training job, and the role that it runs with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack

from infra.constructs import statements
from infra.constructs.execution_role import ExecutionRole, run_jobs, run_jobs_wildcards
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.model_training import LOGS, ModelTraining, channel, output_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from infra.constructs.images import ContainerImage
    from infra.constructs.source_directory import SourceDirectory
    from infra.settings import Settings

# CloudWatch's names of what train.py prints: one line an epoch, one at the end. `\b` keeps val_loss and test_loss out
# of the training's own.
_METRICS = {
    "train:loss": r"\bloss",
    "train:accuracy": r"\baccuracy",
    "validation:loss": "val_loss",
    "validation:accuracy": "val_accuracy",
    "test:loss": "test_loss",
    "test:accuracy": "test_accuracy",
}
_NUMBER = "=([0-9.eE+-]+)"


class TrainingRole(ExecutionRole):
    """Reads the code and what lies at `data`, writes below training/, keeps checkpoints there, its logs and metrics."""

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
        data: str = "data/",
    ) -> None:
        objects = partial(statements.on_objects, bucket.bucket_arn)
        super().__init__(
            scope,
            construct_id,
            description=f"What the training jobs of the lab {lab} may do",
            policy=[
                statements.list_bucket(bucket.bucket_arn, prefixes=[data, "training/"]),
                objects(actions=["s3:GetObject"], prefixes=[data]),
                objects(actions=["s3:AbortMultipartUpload", "s3:PutObject"], prefixes=["training/"]),
                # SageMaker brings them back after an interruption, and deletes what the script has deleted.
                objects(actions=["s3:DeleteObject", "s3:GetObject"], prefixes=["training/*/checkpoints/"]),
                statements.allow(["s3:GetObject"], [source.bucket.arn_for_objects(source.s3_object_key)]),
                *run_jobs(lab=lab, key_arn=key.key_arn, image=image, group=LOGS),
            ],
        )
        acknowledge(
            self,
            {
                wildcard(f"…/{data}*"): "Every file of the data set.",
                wildcard("…/training/*"): "SageMaker makes the names of the artifacts.",
                wildcard("…/training/*/checkpoints/*"): "A job's name holds a hash of what it trains.",
                **run_jobs_wildcards(lab=lab, group=LOGS),
            },
        )


@dataclass(frozen=True, kw_only=True)
class TrainingInputs:
    """Image, code and data: they decide the outcome of a training, with the settings."""

    image: ContainerImage
    source: SourceDirectory
    data: Mapping[str, str]  # key in the bucket -> hash of the file


class TrainingJob(ModelTraining):
    """Trains when its code, data, hyperparameters, image or instance type are new, and only then."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        bucket: s3.IBucket,
        key: kms.IKey,
        role: iam.IRole,
        inputs: TrainingInputs,
    ) -> None:
        self.identity = _identity(settings, inputs)
        super().__init__(
            scope,
            construct_id,
            settings=settings,
            bucket=bucket,
            key=key,
            role=role,
            identity=self.identity,
            request=network_request(
                scope, settings=settings, bucket=bucket, inputs=inputs, data=f"s3://{bucket.bucket_name}/data/"
            ),
            count=settings.training_instance_count,
            leaves_receipt=True,
        )
        self.model = self.resource.get_att_string("Model")


def _identity(settings: Settings, inputs: TrainingInputs) -> dict[str, Any]:
    """Return what makes two trainings the same one: not what may read it, nor whether it may be interrupted."""
    return {
        "Code": inputs.source.digest,
        "Data": dict(inputs.data),
        "HyperParameters": settings.hyperparameters(),
        "Image": inputs.image.uri,
        "InstanceCount": settings.training_instance_count,
        "InstanceType": settings.training_instance_type,
    }


def network_request(
    scope: Construct,
    *,
    settings: Settings,
    bucket: s3.IBucket,
    inputs: TrainingInputs,
    data: str,
) -> dict[str, Any]:
    """Return what only the network's training has in its request, on the data at an address in S3.

    The checkpoints' address is what they have their job's folder below.
    """
    output = output_of(bucket)
    return {
        "AlgorithmSpecification": {
            "TrainingImage": inputs.image.uri,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": name, "Regex": word + _NUMBER} for name, word in _METRICS.items()],
        },
        "CheckpointConfig": {"S3Uri": output},
        # Script mode fetches the code from S3 itself, which network isolation would forbid.
        "EnableNetworkIsolation": False,
        "HyperParameters": {
            **settings.hyperparameters(),
            **_several_instances(settings),
            "sagemaker_container_log_level": "20",
            "sagemaker_program": "train.py",
            "sagemaker_region": Stack.of(scope).region,
            "sagemaker_submit_directory": inputs.source.s3_object_url,
        },
        "InputDataConfig": [channel("training", data)],
        "TensorBoardOutputConfig": {"S3OutputPath": output},
    }


def _several_instances(settings: Settings) -> dict[str, str]:
    """Return the hyperparameter by which the toolkit tells TensorFlow of the other instances."""
    several = settings.training_instance_count > 1
    return {"sagemaker_multi_worker_mirrored_strategy_enabled": "true"} if several else {}
