"""The IAM permissions that a request to Application Auto Scaling needs.

Sources: its service authorization reference (Describe has no resource to name; the others have the scalable target's
ARN, and the condition keys for its namespace and dimension), and SageMaker's guide, "Auto scaling prerequisites": who
scales an endpoint must be allowed what is then done to it, and to its alarms. Not compared with AWS: whether all of
these are asked about at the same operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.application_autoscaling import targets
from embedded_aws.services.sagemaker.authorization import RequiredPermission

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.services.application_autoscaling.targets import TargetKey
    from embedded_aws.services.records import Document, Scope

_ACTION = "application-autoscaling"
_NEW = "*"  # the ID of a target that is not there yet
_ON_ENDPOINTS = ("DescribeEndpoint", "DescribeEndpointConfig", "UpdateEndpointWeightsAndCapacities")


def to_describe(operation: str) -> Iterator[RequiredPermission]:
    """Yield the permissions that a Describe operation needs."""
    yield RequiredPermission(f"{_ACTION}:{operation}", "*")


def on_target(
    operation: str, request: Mapping[str, Any], target: Document | None, scope: Scope
) -> Iterator[RequiredPermission]:
    """Yield the permissions that an operation on a target needs, whether or not it is there."""
    own = target.get("Tags", {}) if target else {}
    given = request.get("Tags", {})
    context = {
        f"{_ACTION}:service-namespace": targets.NAMESPACE,
        f"{_ACTION}:scalable-dimension": targets.DIMENSION,
        **{f"aws:ResourceTag/{key}": value for key, value in own.items()},
        **{f"aws:RequestTag/{key}": value for key, value in given.items()},
        **({"aws:TagKeys": [*(given or request.get("TagKeys", ()))]} if given or "TagKeys" in request else {}),
    }
    arn = target["ScalableTargetARN"] if target else targets.arn(scope, _NEW)
    yield RequiredPermission(f"{_ACTION}:{operation}", arn, context)
    if operation == "RegisterScalableTarget" and given:
        yield RequiredPermission(f"{_ACTION}:TagResource", arn, context)


def on_endpoint(key: TargetKey, scope: Scope) -> Iterator[RequiredPermission]:
    """Yield the permissions of whoever registers a target: what scaling does to its endpoint."""
    for operation in _ON_ENDPOINTS:
        noun = "endpoint-config" if operation.endswith("Config") else "endpoint"
        name = "*" if operation.endswith("Config") else key.endpoint.lower()
        yield RequiredPermission(
            f"sagemaker:{operation}", f"arn:aws:sagemaker:{scope.region}:{scope.account}:{noun}/{name}"
        )


def on_linked_role(scope: Scope) -> Iterator[RequiredPermission]:
    """Yield the permission of whoever makes the first target of an account."""
    context = {"iam:AWSServiceName": targets.LINKED_ROLE_SERVICE}
    yield RequiredPermission("iam:CreateServiceLinkedRole", targets.role_arn(scope.account), context)


def on_alarms(operation: str, key: TargetKey, scope: Scope) -> Iterator[RequiredPermission]:
    """Yield the permission of whoever puts or deletes a policy with alarms."""
    alarm = f"alarm:TargetTracking-{key.resource_id}-*"
    yield RequiredPermission(f"cloudwatch:{operation}", f"arn:aws:cloudwatch:{scope.region}:{scope.account}:{alarm}")
