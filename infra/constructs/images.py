"""AWS's own containers, chosen by region and version: TensorFlow's, and those of its built-in algorithms."""

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

    from infra.algorithms import Algorithm
    from infra.constructs.statements import Statement

# Logical ids: of the mapping that was the only one, the one that it has had.
_MAPPINGS = {"registry": "Registries", "frameworks": "FrameworkRegistries", "algorithms": "AlgorithmRegistries"}


@dataclass(frozen=True, kw_only=True)
class ContainerImage:
    """An image of AWS's, in the region of the stack that uses it."""

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
    def algorithm(cls, scope: Construct, algorithm: Algorithm) -> ContainerImage:
        """Return the image that a built-in algorithm is trained in and served from."""
        return cls._in_region(scope, *algorithm.image, registry=algorithm.registry)

    @classmethod
    def _in_region(cls, scope: Construct, repository: str, tag: str, registry: str = "registry") -> ContainerImage:
        stack = Stack.of(scope)
        account = _registry(stack, registry)
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
def _registry(stack: Stack, name: str) -> str:
    """Return the account of AWS's containers in the stack's region, whichever it will be; `name` is regions.Region's.

    Where AWS has none, CloudFormation finds none in the mapping, and says so before it makes anything.
    """
    if not Token.is_unresolved(stack.region):
        return str(getattr(ACCEPTED[stack.region], name))
    accounts = {region: {"account": found} for region, each in ACCEPTED.items() if (found := getattr(each, name))}
    return CfnMapping(stack, _MAPPINGS[name], mapping=accounts).find_in_map(stack.region, "account")
