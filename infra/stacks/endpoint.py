"""The endpoint stack: the trained model, served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ssm as ssm

from infra.algorithms import BUILT_IN, KERAS
from infra.constructs import algorithm_images
from infra.constructs.brick_features import PREFIX as FEATURES
from infra.constructs.endpoint import Container, Endpoint
from infra.constructs.images import ContainerImage

if TYPE_CHECKING:
    from constructs import Construct

    from infra.settings import Settings
    from infra.stacks.storage import StorageStack
    from infra.stacks.training import TrainingStack


class EndpointStack(Stack):
    """Serves the artifact that the training stack's parameter names when this stack is deployed."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        storage: StorageStack,
        training: TrainingStack,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, description=f"{settings.name}: the endpoint", **stack)
        self.add_stack_dependency(training, "it reads the parameter that the training stack writes")
        endpoint = Endpoint(
            self,
            "Serving",
            settings=settings,
            bucket=storage.bucket,
            key=storage.key,
            containers=self._containers(settings, training),
        )
        CfnOutput(self, "EndpointName", value=endpoint.endpoint_name, description="What InvokeEndpoint is called with")

    def _containers(self, settings: Settings, training: TrainingStack) -> list[Container]:
        """Return the one that runs the network, or the one that makes features of photos and the algorithm's.

        That TensorFlow's container and those of the algorithms can be in a pipeline: each listens on the port that it
        is told (`accept-bind-to-port` in the Dockerfiles of aws/deep-learning-containers and
        aws/sagemaker-xgboost-container; SageMaker's guide, "Inference pipelines", of the closed ones).
        """
        artifact = ssm.StringParameter.value_for_string_parameter(self, training.artifact_parameter)
        ours = ContainerImage.inference(self)
        if settings.algorithm == KERAS:
            return [Container(name="network", image=ours, artifact=artifact, prefix="training/")]
        algorithm = algorithm_images.of_the_lab(self, BUILT_IN[settings.algorithm])
        return [
            Container(name="features", image=ours, artifact=training.feature_artifact, prefix=FEATURES),
            Container(name=settings.algorithm, image=algorithm, artifact=artifact, prefix="training/", ours=False),
        ]
