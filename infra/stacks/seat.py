"""A seat's stack: one student's notebook instance, deployed and destroyed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Stack, Tags

from infra.constructs.notebook import Notebook

if TYPE_CHECKING:
    from constructs import Construct

    from infra.settings import Settings
    from infra.stacks.storage import StorageStack


class SeatStack(Stack):
    """One notebook instance, its lifecycle, its role, its prefix `seats/<seat>/` of the bucket."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        seat: str,
        storage: StorageStack,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, description=f"{settings.name}: the seat {seat}", **stack)
        Tags.of(self).add("bricklab:seat", seat)
        notebook = Notebook(self, "Notebook", settings=settings, seat=seat, bucket=storage.bucket, key=storage.key)
        CfnOutput(
            self,
            "NotebookInstanceName",
            value=notebook.instance_name,
            description="The notebook instance, to be opened in SageMaker's console",
        )
