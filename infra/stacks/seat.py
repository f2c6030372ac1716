"""A seat's stack: one student's notebook instance, deployed and destroyed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Stack, Tags

from infra.constructs.bucket_contents import PrefixContents
from infra.constructs.catalog import Catalog
from infra.constructs.notebook import Notebook
from teardown.names import SEAT_TAG

if TYPE_CHECKING:
    from constructs import Construct

    from infra.constructs.bucket import SharedStorage
    from infra.settings import Settings


class SeatStack(Stack):
    """One notebook instance, its lifecycle, its role, its prefix `seats/<seat>/` of the bucket."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        seat: str,
        storage: SharedStorage,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, description=f"{settings.name}: the seat {seat}", **stack)
        Tags.of(self).add(SEAT_TAG, seat)
        prefix = f"seats/{seat}/"
        contents = PrefixContents(
            self,
            "Contents",
            storage=storage,
            prefix=prefix,
            copies=storage.notebooks,
        )
        Catalog(self, "Catalog", storage=storage, lab=settings.name, seat=seat, prefix=prefix)
        notebook = Notebook(self, "Notebook", settings=settings, seat=seat, storage=storage)
        # The machine reads its copy when it starts for the first time.
        notebook.instance.node.add_dependency(contents)
        CfnOutput(
            self,
            "NotebookInstanceName",
            value=notebook.instance_name,
            description="The notebook instance: `./lab notebook` opens it",
        )
        CfnOutput(self, "RoleArn", value=notebook.role_arn, description="What the student's jobs and models run with")
        CfnOutput(self, "Prefix", value=prefix, description="Below which the student's objects lie in the lab's bucket")
