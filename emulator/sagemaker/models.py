"""Models: what one must have before an endpoint can serve it.

AWS makes ExecutionRoleArn optional for what the embedded AWS has not got (inference components). The sentences were not
compared with AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.sagemaker.behaviour import Behaviour
from emulator.sagemaker.errors import validation

if TYPE_CHECKING:
    from emulator.sagemaker.store import Record


class Models(Behaviour):
    """A plain record, once its request is complete."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check containers and role."""
        del record
        if bool(request.get("PrimaryContainer")) == bool(request.get("Containers")):
            raise validation("A model has either PrimaryContainer or Containers: give one of them.")
        if "ExecutionRoleArn" not in request:
            raise validation("The embedded AWS has models with a role only: give ExecutionRoleArn.")
