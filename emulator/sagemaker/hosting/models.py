"""Models: what one must have before a host can serve it, and what of it a host is given.

AWS makes ExecutionRoleArn optional for what the embedded AWS has not got (inference components). Not
compared with AWS: the sentences that refuse a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.sagemaker.behaviour import Behaviour
from emulator.sagemaker.engine.credentials import Role
from emulator.sagemaker.errors import validation
from emulator.sagemaker.hosting.hosts import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.sagemaker.store import Record


class Models(Behaviour):
    """A plain record, once its request is complete."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check containers and role."""
        del record
        if bool(request.get("PrimaryContainer")) == bool(request.get("Containers")):
            raise validation("A model has either PrimaryContainer or Containers: give one of them.")
        if len(containers := _containers(request)) != 1 or "Image" not in containers[0]:
            raise validation("The embedded AWS offers models of one container with an image and one model only.")
        if "ExecutionRoleArn" not in request:
            raise validation("The embedded AWS has models with a role only: give ExecutionRoleArn.")


def hosted(record: Record, variant: dict[str, Any], *, endpoint_url: str) -> Model:
    """The model as a host of that variant serves it.

    Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
    """
    model = record.members
    role = Role(model["ExecutionRoleArn"], account=record.account, region=record.region, endpoint_url=endpoint_url)
    role.check()
    return Model(_containers(model)[0], variant, role, network=not model.get("EnableNetworkIsolation"))


def _containers(members: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [members["PrimaryContainer"]] if members.get("PrimaryContainer") else members["Containers"]
