"""The images of AWS's own algorithms that notebooks/algorithms.ipynb has its jobs run, chosen by region."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aws_cdk import CfnMapping, Stack, Token

from infra.algorithm_registries import REGISTRIES, Registries
from infra.constructs import arns
from infra.constructs.images import ContainerImage
from infra.regions import ACCEPTED

if TYPE_CHECKING:
    from constructs import Construct

_TAGS = {"factorization-machines": "1", "kmeans": "1", "linear-learner": "1", "sagemaker-xgboost": "3.2-0"}


def of_the_notebook(scope: Construct) -> list[ContainerImage]:
    """Return the images in the region of the stack; none where AWS has none of them."""
    stack = Stack.of(scope)
    registries, region = _registries(stack), stack.region
    if not registries:
        return []
    found = []
    for repository, tag in _TAGS.items():
        account = registries.xgboost if repository == "sagemaker-xgboost" else registries.first
        found.append(
            ContainerImage(
                uri=f"{account}.dkr.ecr.{region}.{arns.url_suffix()}/{repository}:{tag}",
                repository_arn=arns.arn("ecr", f"repository/{repository}", account=account),
            )
        )
    return found


@cache
def _registries(stack: Stack) -> Registries | None:
    """Return the accounts in the stack's region, whichever it will be."""
    if not Token.is_unresolved(stack.region):
        return REGISTRIES.get(stack.region)
    # A mapping must have every region. Where there are no such images, there is none of these names in AWS's registry
    # of the others either: what is allowed is to pull nothing.
    by_region = {
        name: REGISTRIES.get(name, Registries(each.registry, each.registry)) for name, each in ACCEPTED.items()
    }
    accounts = {name: each._asdict() for name, each in by_region.items()}
    mapping = CfnMapping(stack, "AlgorithmRegistries", mapping=accounts)
    return Registries(*(mapping.find_in_map(stack.region, name) for name in Registries._fields))
