"""The training stack: the code, the roles it runs with, and the jobs that lead to the model."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ssm as ssm

from infra import algorithms
from infra.constructs import served_containers
from infra.constructs.algorithm_job import AlgorithmJob
from infra.constructs.brick_features import BrickFeatures
from infra.constructs.images import ContainerImage
from infra.constructs.registered_model import RegisteredModel
from infra.constructs.source_directory import SourceDirectory
from infra.constructs.training_job import TrainingInputs, TrainingJob, TrainingRole
from infra.regions import registers_models
from teardown.names import model_artifact_parameter, model_package_group

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

    from infra.settings import Settings
    from infra.stacks.storage import StorageStack

_DESCRIPTIONS = {
    algorithms.TEST_ACCURACY: "Its accuracy on the test images, 0 to 1",
    algorithms.TEST_LOSS: "Its loss on the test images",
    algorithms.TEST_DISTANCE: "The mean of the squared distances of the test images to their clusters",
}


class TrainingStack(Stack):
    """Trains the model, registers it, and says where its artifact is, in the parameter `/<lab>/model-artifact`.

    An export would not do: CloudFormation refuses to change one that another stack imports. `feature_artifact` is where
    the model lies that makes features of photos for an algorithm of AWS's; "" for the Keras network. `inputs` is what
    the training is made of.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        storage: StorageStack,
        model_code: Path,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, description=f"{settings.name}: the training job", **stack)
        self._settings, self._storage = settings, storage
        # The container has TensorFlow; another backend is installed when the job starts.
        packages = [f"requirements-{settings.backend}.txt"] if settings.backend != "tensorflow" else []
        self.inputs = inputs = TrainingInputs(
            image=ContainerImage.training(self),
            source=SourceDirectory(self, "Source", folder=model_code, also=packages),
            data=storage.data,
        )
        network = self._network(inputs) if settings.trains_network else None
        self.feature_artifact = ""
        if settings.algorithm == algorithms.KERAS and network:
            job: TrainingJob | AlgorithmJob = network
            outputs: algorithms.Outputs = (algorithms.TEST_ACCURACY, algorithms.TEST_LOSS)
        else:
            features = BrickFeatures(
                self,
                "Features",
                settings=settings,
                bucket=storage.bucket,
                key=storage.key,
                inputs=inputs,
                network=network,
            )
            job = AlgorithmJob(
                self, "AlgorithmJob", settings=settings, bucket=storage.bucket, key=storage.key, features=features
            )
            self.feature_artifact = features.artifact
            outputs = algorithms.BUILT_IN[settings.algorithm].outputs
            CfnOutput(
                self,
                "Algorithm",
                value=f"{settings.algorithm} on {settings.features}",
                description="The algorithm of AWS's that it has trained, and what it gets of each image",
            )
        self.artifact_parameter = model_artifact_parameter(settings.name)
        ssm.CfnParameter(
            self,
            "Artifact",
            type="String",
            name=self.artifact_parameter,
            value=job.model_artifact,
            description=f"The model artifact that the lab {settings.name} serves",
        )
        if registers_models(self.region):
            RegisteredModel(
                self,
                "Registered",
                group=model_package_group(settings.name),
                containers=served_containers.of_the_lab(
                    self, settings, artifact=job.model_artifact, feature_artifact=self.feature_artifact
                ),
                known={
                    "Algorithm": settings.algorithm,
                    "TrainingJobName": job.job_name,
                    "Code": inputs.source.digest,
                    "Data": hashlib.sha256(json.dumps(dict(inputs.data), sort_keys=True).encode()).hexdigest(),
                    **{name: job.resource.get_att_string(name) for name in outputs},
                    **({"Model": job.model} if isinstance(job, TrainingJob) else {}),
                },
            )
        CfnOutput(self, "TrainingJobName", value=job.job_name, description="The training job of this model")
        CfnOutput(self, "ModelArtifact", value=job.model_artifact, description="The model it has trained")
        for name in outputs:
            CfnOutput(self, name, value=job.resource.get_att_string(name), description=_DESCRIPTIONS[name])

    def _network(self, inputs: TrainingInputs) -> TrainingJob:
        """Train the Keras network."""
        settings, storage = self._settings, self._storage
        role = TrainingRole(
            self,
            "Role",
            lab=settings.name,
            bucket=storage.bucket,
            key=storage.key,
            image=inputs.image,
            source=inputs.source,
        )
        return TrainingJob(
            self, "Job", settings=settings, bucket=storage.bucket, key=storage.key, role=role, inputs=inputs
        )
