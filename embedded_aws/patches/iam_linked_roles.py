"""IAM makes service-linked roles under the names that their services have given them, with their policies.

ministack makes the name of the service's. Sources: IAM's guide, "AWS services that work with IAM", for the name;
AWS's managed policy of the same purpose; the refusal of a second one as users quote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ministack.services import iam

from embedded_aws.patches import patching

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from embedded_aws.patches.service_handlers import Response


@dataclass(frozen=True)
class _LinkedRole:
    name: str
    policy: str


_ROLES = {
    "sagemaker.application-autoscaling.amazonaws.com": _LinkedRole(
        "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        "arn:aws:iam::aws:policy/aws-service-role/AWSApplicationAutoscalingSageMakerEndpointPolicy",
    ),
}


def apply() -> None:
    """Let CreateServiceLinkedRole make these roles as AWS does."""
    table, operation = "ministack.services.iam._IAM_HANDLERS", "CreateServiceLinkedRole"
    patching.wrap_item(iam._IAM_HANDLERS, operation, table, _create)


def _create(original: Callable[[Mapping[str, Any]], Response], params: Mapping[str, Any]) -> Response:
    service = iam._p(params, "AWSServiceName")
    wanted = _ROLES.get(service)
    if wanted is None:
        return original(params)
    if wanted.name in iam._roles:
        taken = f"Service role name {wanted.name} has been taken in this account, please try a different suffix."
        return iam._error(400, "InvalidInput", taken)
    status, headers, body = original(params)
    made = next((role for role in iam._roles.values() if role["Path"] == f"/aws-service-role/{service}/"), None)
    if made is None:
        return status, headers, body
    name = made["RoleName"]
    role = {**iam._roles.pop(name), "RoleName": wanted.name, "Arn": made["Arn"].replace(name, wanted.name)}
    iam._roles[wanted.name] = role
    iam.attach_managed_policy(role, wanted.policy)
    return status, headers, body.replace(name.encode(), wanted.name.encode())
