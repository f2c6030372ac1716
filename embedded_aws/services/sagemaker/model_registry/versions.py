"""The versions of a model package group: which there are, what the next is called, whose tags they bear.

A version has the tags of its group (botocore's model of CreateModelPackage), and those that AddTags gives it. Not
compared with AWS: that it can have tags of its own, which CloudFormation's schema of AWS::SageMaker::ModelPackage lets
one think.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.resource_types.model_registry import GROUP_NAME, LAST_VERSION, VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.store import Record, Store


def group_of(store: Store, members: Mapping[str, Any], *, account: str, region: str) -> Record | None:
    """Return the group that a request, or a package by its members, names or gives the ARN of; None if there is none.

    A group of another account or region is none.
    """
    given = str(members.get(GROUP_NAME, ""))
    found = store.find("ModelPackageGroup", given.rpartition("/")[2], account=account, region=region)
    elsewhere = found and given.startswith("arn:") and given.lower() != found.arn
    return None if elsewhere else found


def of_group(store: Store, group: Record) -> list[Record]:
    """Return a group's versions, in the order of their creation."""
    packages = store.all("ModelPackage", account=group.account, region=group.region)
    return [each for each in packages if each.members.get(GROUP_NAME) == group.name]


def next_name(store: Store, group: Record) -> str:
    """Return what the next version is called."""
    taken = [each.members[VERSION] for each in of_group(store, group)]
    return f"{group.name}/{max([*taken, group.members.get(LAST_VERSION, 0)]) + 1}"


def tags_of(store: Store, record: Record) -> dict[str, str]:
    """Return the tags that a resource bears, those of its group among them."""
    group = None
    if VERSION in record.members:
        group = group_of(store, record.members, account=record.account, region=record.region)
    return {**group.tags, **record.tags} if group else record.tags
