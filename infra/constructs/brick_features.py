"""The bricks as AWS's algorithms take them: rows of numbers, made by a processing job, and the model that makes them.

An endpoint makes the same of a photo before it asks the algorithm: its first container serves `artifact`.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack
from constructs import Construct

from infra import algorithms
from infra.constructs import processing, statements
from infra.constructs.execution_role import ExecutionRole, run_jobs, run_jobs_wildcards
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.sagemaker_job import SageMakerJob, instances
from teardown.names import LAB_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from infra.constructs.training_job import TrainingInputs, TrainingJob
    from infra.settings import Settings

PREFIX = "features/"
_ARTIFACT = "model/model.tar.gz"
_DIGITS = 16
_VOLUME_GB = 10
_PLACES = {"data/": "Every file of the data set.", "training/": "SageMaker makes the names of the artifacts."}


class BrickFeatures(Construct):
    """Runs when code, data, image, or the network whose hidden layer is asked for are new, and only then.

    What it makes lies below features/ of the bucket, under a hash of what made it: other features are other objects,
    so that what reads them is new too. `digest` is that hash, `artifact` the model's address in S3.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        bucket: s3.IBucket,
        key: kms.IKey,
        inputs: TrainingInputs,
        network: TrainingJob | None,
    ) -> None:
        super().__init__(scope, construct_id)
        labeled = algorithms.BUILT_IN[settings.algorithm].labeled
        identity = {
            "Code": inputs.source.digest,
            "Data": dict(inputs.data),
            "Features": settings.features,
            "Image": inputs.image.uri,
            "InstanceType": settings.training_instance_type,
            "Labels": str(labeled).lower(),
            **({"Network": network.identity} if network else {}),
        }
        text = json.dumps(Stack.of(self).resolve(identity), sort_keys=True)
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
        self._place = f"s3://{bucket.bucket_name}/{PREFIX}{self.digest}"
        self.artifact = f"{self._place}/{_ARTIFACT}"
        places = ["data/", *(["training/"] if network else [])]
        role = FeaturesRole(self, "Role", lab=settings.name, bucket=bucket, key=key, inputs=inputs, places=places)
        job = SageMakerJob(
            self,
            "Job",
            stem="ProcessingJob",
            lab=settings.name,
            role=role,
            key=key,
            identity=identity,
            request=self._request(
                settings, bucket=bucket, key=key, role=role, inputs=inputs, network=network, labeled=labeled
            ),
            log_retention_days=settings.log_retention_days,
        )
        self.job = job.resource

    def channel(self, part: str) -> str:
        """Return the address of the rows of the training images, "train", or of the test images, "test"."""
        return f"{self._place}/{part}/"

    def _request(
        self,
        settings: Settings,
        *,
        bucket: s3.IBucket,
        key: kms.IKey,
        role: iam.IRole,
        inputs: TrainingInputs,
        network: TrainingJob | None,
        labeled: bool,
    ) -> dict[str, Any]:
        flags = {
            "--data": processing.input_folder("data"),
            "--labels": "first" if labeled else "none",
            "--output": processing.OUTPUT,
            "--message": processing.MESSAGE,
        }
        read = {"code": inputs.source.s3_object_url, "data": f"s3://{bucket.bucket_name}/data/"}
        if network:
            flags["--network"] = processing.input_folder("network")
            read["network"] = network.model_artifact
        return {
            "AppSpecification": {
                "ImageUri": inputs.image.uri,
                "ContainerEntrypoint": processing.entrypoint("features.py"),
                "ContainerArguments": processing.arguments(flags),
            },
            "NetworkConfig": {"EnableInterContainerTrafficEncryption": True, "EnableNetworkIsolation": True},
            "ProcessingInputs": [processing.read(name, uri) for name, uri in read.items()],
            "ProcessingOutputConfig": {
                "KmsKeyId": key.key_arn,
                "Outputs": [processing.written("features", self._place)],
            },
            "ProcessingResources": {
                "ClusterConfig": instances(settings.training_instance_type, gigabytes=_VOLUME_GB, key=key)
            },
            "RoleArn": role.role_arn,
            "StoppingCondition": {"MaxRuntimeInSeconds": settings.max_run},
            "Tags": [{"Key": LAB_TAG, "Value": settings.name}],
        }


class FeaturesRole(ExecutionRole):
    """Reads the code and what lies at `places` of the bucket, and writes below features/."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        lab: str,
        bucket: s3.IBucket,
        key: kms.IKey,
        inputs: TrainingInputs,
        places: Sequence[str],
    ) -> None:
        own, source = bucket.bucket_arn, inputs.source
        code: Mapping[str, Mapping[str, Any]] = {"StringLike": {"s3:prefix": source.s3_object_key}}
        super().__init__(
            scope,
            construct_id,
            description=f"What the job may do that makes features of the bricks of the lab {lab}",
            policy=[
                statements.list_bucket(own, prefixes=[*places, PREFIX]),
                statements.allow(["s3:ListBucket"], [source.bucket.bucket_arn], code),
                statements.allow(["s3:GetObject"], [source.bucket.arn_for_objects(source.s3_object_key)]),
                statements.on_objects(own, actions=["s3:GetObject"], prefixes=places),
                statements.on_objects(own, actions=["s3:AbortMultipartUpload", "s3:PutObject"], prefixes=[PREFIX]),
                *run_jobs(lab=lab, key_arn=key.key_arn, image=inputs.image, group=processing.LOGS),
            ],
        )
        acknowledge(
            self,
            {
                **{wildcard(f"…/{place}*"): _PLACES[place] for place in places},
                wildcard(f"…/{PREFIX}*"): "The rows and the model, under a hash of what made them.",
                **run_jobs_wildcards(lab=lab, group=processing.LOGS),
            },
        )
