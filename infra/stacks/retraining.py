"""The retraining stack: what trains the model anew by itself, and what has the endpoint serve what is approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Stack

from infra.constructs.model_deployment import ModelDeployment
from infra.constructs.retraining import Retraining
from teardown.names import retraining

if TYPE_CHECKING:
    from constructs import Construct

    from infra.settings import Settings
    from infra.stacks.endpoint import EndpointStack
    from infra.stacks.operations import OperationsStack
    from infra.stacks.storage import StorageStack
    from infra.stacks.training import TrainingStack


class RetrainingStack(Stack):
    """Comes last, for it compares with what serves, and goes first: nothing begins any more while the lab ends."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        operations: OperationsStack,
        storage: StorageStack,
        training: TrainingStack,
        endpoint: EndpointStack,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, description=f"{settings.name}: retraining", **stack)
        self.add_stack_dependency(endpoint, "it updates the endpoint's stack")
        Retraining(
            self,
            "Retraining",
            settings=settings,
            bucket=storage.bucket,
            key=storage.key,
            notices=operations.notices,
            inputs=training.inputs,
        )
        ModelDeployment(
            self,
            "Deployment",
            settings=settings,
            key=storage.key,
            notices=operations.notices,
            stack_endpoint=endpoint.endpoint_id,
        )
        CfnOutput(
            self, "RetrainingStateMachine", value=retraining(settings.name), description="What `./lab retrain` starts"
        )
