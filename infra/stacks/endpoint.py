"""The endpoint stack: the trained model, served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ssm as ssm

from infra.constructs import served_containers
from infra.constructs.endpoint import Endpoint
from infra.constructs.monitor import Monitor

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
            containers=served_containers.of_the_lab(
                self,
                settings,
                artifact=ssm.StringParameter.value_for_string_parameter(self, training.artifact_parameter),
                feature_artifact=training.feature_artifact,
            ),
        )
        if settings.monitor != "off":
            Monitor(
                self,
                "Monitor",
                settings=settings,
                bucket=storage.bucket,
                key=storage.key,
                endpoint_name=endpoint.endpoint_name,
            )
        CfnOutput(self, "EndpointName", value=endpoint.endpoint_name, description="What InvokeEndpoint is called with")
