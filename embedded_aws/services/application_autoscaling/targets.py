"""Scalable targets: what may be scaled, and what a request to register it may say.

Sources of the sentences: `Maximum capacity cannot be less than minimum capacity` and `You cannot register a variant
with ml.t2.medium instance type as a scalable target. …` (users' logs); `Unsupported service namespace, resource type or
scalable dimension` (moto); `No scalable target …` (users of terraform, moto). A variant's least capacity may be 0:
botocore's model of RegisterScalableTarget; whether its endpoint may have none, SageMaker says when it comes to that.
Form of the ARN: botocore's model of TagResource and its examples. Not compared with AWS: the sentences about a missing
or negative capacity, what is not offered here, and a target that has tags given once more.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from embedded_aws.services.application_autoscaling.records import TARGET
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from embedded_aws.services.records import Document, Records, Scope

NAMESPACE = "sagemaker"
LINKED_ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
LINKED_ROLE_SERVICE = f"{NAMESPACE}.application-autoscaling.amazonaws.com"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
MISSING = "ObjectNotFoundException"
_RESOURCE = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
_BURSTABLE = re.compile(r"ml\.t\d")
_UNSUPPORTED = "Unsupported service namespace, resource type or scalable dimension"
_SUSPENDED = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
_ID_BYTES = 17


class TargetKey(NamedTuple):
    """What identifies a scalable target, and its record: the resource ID, with its endpoint's and variant's names."""

    resource_id: str
    endpoint: str
    variant: str


def key_of(request: Mapping[str, Any]) -> TargetKey:
    """Return the scalable target that a request names. Raises ValidationException."""
    check_offered(request)
    match = _RESOURCE.fullmatch(request["ResourceId"])
    if not match:
        raise validation_exception(_UNSUPPORTED)
    return TargetKey(request["ResourceId"], match[1], match[2])


def check_offered(request: Mapping[str, Any]) -> None:
    """Raise ValidationException for a namespace or a dimension that is not scaled here."""
    namespace, dimension = request["ServiceNamespace"], request.get("ScalableDimension", DIMENSION)
    if namespace != NAMESPACE:
        raise validation_exception(
            f"The embedded AWS scales the namespace {NAMESPACE} only, and there {DIMENSION}; not {namespace}."
        )
    if not dimension.startswith(f"{NAMESPACE}:"):
        raise validation_exception(_UNSUPPORTED)
    if dimension != DIMENSION:
        raise validation_exception(f"The embedded AWS scales {DIMENSION} only, not {dimension}.")


def identity(key: TargetKey) -> Document:
    """Return the three members that name a scalable target."""
    return {"ServiceNamespace": NAMESPACE, "ResourceId": key.resource_id, "ScalableDimension": DIMENSION}


def required(records: Records, scope: Scope, key: TargetKey, *, words: str = "registered") -> Document:
    """Return the scalable target. Raises ObjectNotFoundException."""
    found = records.find(TARGET, scope, key.resource_id)
    if found is None:
        raise ServiceError(
            MISSING,
            f"No scalable target {words} for service namespace: {NAMESPACE}, resource ID: {key.resource_id}, "
            f"scalable dimension: {DIMENSION}",
        )
    return found


def registered(
    before: Document | None,
    request: Mapping[str, Any],
    key: TargetKey,
    instance_type: str,
    *,
    scope: Scope,
    now: datetime,
) -> Document:
    """Return the target as a request leaves it; what that does not say stays. Raises ValidationException."""
    if before and "Tags" in request:
        raise validation_exception(
            "The scalable target that you tried to tag already exists. To update tags on an existing scalable target, "
            "use the TagResource API."
        )
    target = before or {
        **identity(key),
        "RoleARN": role_arn(scope.account),
        "CreationTime": now,
        "SuspendedState": dict.fromkeys(_SUSPENDED, False),
        "ScalableTargetARN": arn(scope, secrets.token_hex(_ID_BYTES)),
        "Tags": request.get("Tags", {}),
    }
    bounds = {name: request[name] for name in ("MinCapacity", "MaxCapacity") if name in request}
    suspended = {**target["SuspendedState"], **request.get("SuspendedState", {})}
    target = {**target, **bounds, "SuspendedState": suspended, "InstanceType": instance_type}
    _check_bounds(target)
    if _BURSTABLE.match(instance_type):
        raise validation_exception(
            f"You cannot register a variant with {instance_type} instance type as a scalable target. This is "
            "because the burstable performance of these instances can lead to unpredictable behavior with Auto Scaling."
        )
    return target


def _check_bounds(target: Document) -> None:
    for name, said in (("MinCapacity", "Minimum"), ("MaxCapacity", "Maximum")):
        if name not in target:
            raise validation_exception(f"{said} capacity must be specified")
        if target[name] < 0:
            raise validation_exception(f"{said} capacity cannot be less than 0")
    if target["MaxCapacity"] < target["MinCapacity"]:
        raise validation_exception("Maximum capacity cannot be less than minimum capacity")


def arn(scope: Scope, identifier: str) -> str:
    """Return a scalable target's ARN."""
    return f"arn:aws:application-autoscaling:{scope.region}:{scope.account}:scalable-target/{identifier}"


def role_arn(account: str) -> str:
    """Return the ARN of the service-linked role that scales endpoints."""
    return f"arn:aws:iam::{account}:role/aws-service-role/{LINKED_ROLE_SERVICE}/{LINKED_ROLE}"
