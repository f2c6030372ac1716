"""The images of AWS's own algorithms, chosen by region: the lab's, and those that notebooks/algorithms.ipynb runs."""

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

    from infra.algorithms import Algorithm

_TAGS = {"factorization-machines": "1", "kmeans": "1", "linear-learner": "1", "sagemaker-xgboost": "3.2-0"}


def of_the_lab(scope: Construct, algorithm: Algorithm) -> ContainerImage:
    """Return the image that an algorithm is trained in and served from. Raises ValueError where AWS has none."""
    found = _in_region(scope, *algorithm.image)
    if found is None:
        raise ValueError(f"AWS has no {algorithm.image[0]} in {Stack.of(scope).region}.")
    return found


def of_the_notebook(scope: Construct) -> list[ContainerImage]:
    """Return the images in the region of the stack; none where AWS has none of them."""
    return [found for each in _TAGS.items() if (found := _in_region(scope, *each))]


def _in_region(scope: Construct, repository: str, tag: str) -> ContainerImage | None:
    stack = Stack.of(scope)
    registries = _registries(stack)
    if registries is None:
        return None
    account = registries.of(repository)
    return ContainerImage(
        uri=f"{account}.dkr.ecr.{stack.region}.{arns.url_suffix()}/{repository}:{tag}",
        repository_arn=arns.arn("ecr", f"repository/{repository}", account=account),
    )


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
