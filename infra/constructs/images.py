"""AWS's own TensorFlow containers, chosen by region and version."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aws_cdk import CfnMapping, Stack, Token

from infra.constructs import arns
from infra.constructs.statements import allow
from infra.containers import INFERENCE, TRAINING
from infra.regions import ACCEPTED

if TYPE_CHECKING:
    from constructs import Construct

    from infra.constructs.statements import Statement


@dataclass(frozen=True, kw_only=True)
class ContainerImage:
    """An image of AWS's Deep Learning Containers, in the region of the stack that uses it."""

    uri: str
    repository_arn: str

    @classmethod
    def training(cls, scope: Construct) -> ContainerImage:
        """Return the image that training jobs run in."""
        return cls._in_region(scope, *TRAINING)

    @classmethod
    def inference(cls, scope: Construct) -> ContainerImage:
        """Return the image that endpoints serve from."""
        return cls._in_region(scope, *INFERENCE)

    @classmethod
    def _in_region(cls, scope: Construct, repository: str, tag: str) -> ContainerImage:
        stack = Stack.of(scope)
        account = _registry(stack)
        return cls(
            uri=f"{account}.dkr.ecr.{stack.region}.{arns.url_suffix()}/{repository}:{tag}",
            repository_arn=arns.arn("ecr", f"repository/{repository}", account=account),
        )


def pull(*images: ContainerImage) -> list[Statement]:
    """Return the statements that a role needs to pull these images."""
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    return [
        allow(actions, [image.repository_arn for image in images]),
        # ECR gives one token for a whole registry: the action has no resource to name.
        allow(["ecr:GetAuthorizationToken"], ["*"]),
    ]


@cache
def _registry(stack: Stack) -> str:
    """Return the account of AWS's containers in the stack's region, whichever it will be."""
    if not Token.is_unresolved(stack.region):
        return ACCEPTED[stack.region].registry
    accounts = {region: {"account": each.registry} for region, each in ACCEPTED.items()}
    return CfnMapping(stack, "Registries", mapping=accounts).find_in_map(stack.region, "account")
