"""The training stack: the code, the role it runs with, and the training job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ssm as ssm

from infra.constructs.images import ContainerImage
from infra.constructs.source_directory import SourceDirectory
from infra.constructs.training_job import TrainingInputs, TrainingJob, TrainingRole
from teardown.names import model_artifact_parameter

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

    from infra.settings import Settings
    from infra.stacks.storage import StorageStack


class TrainingStack(Stack):
    """Trains the model and says where its artifact is, in the parameter `/<lab>/model-artifact`.

    An export would not do: CloudFormation refuses to change one that another stack imports.
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
        image = ContainerImage.training(self)
        # The container has TensorFlow; another backend is installed when the job starts.
        packages = [f"requirements-{settings.backend}.txt"] if settings.backend != "tensorflow" else []
        source = SourceDirectory(self, "Source", folder=model_code, also=packages)
        role = TrainingRole(
            self,
            "Role",
            lab=settings.name,
            bucket=storage.bucket,
            key=storage.key,
            image=image,
            source=source,
        )
        job = TrainingJob(
            self,
            "Job",
            settings=settings,
            bucket=storage.bucket,
            key=storage.key,
            role=role,
            inputs=TrainingInputs(image=image, source=source, data=storage.data),
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
        CfnOutput(self, "TrainingJobName", value=job.job_name, description="The training job of this model")
        CfnOutput(self, "ModelArtifact", value=job.model_artifact, description="The model it has trained")
        CfnOutput(self, "TestAccuracy", value=job.test_accuracy, description="Its accuracy on the test images, 0 to 1")
        CfnOutput(self, "TestLoss", value=job.test_loss, description="Its loss on the test images")
