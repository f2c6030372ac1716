"""Scaling policies: target tracking and step scaling, as PutScalingPolicy takes them.

Sources of the sentences: `Only one TargetTrackingScaling policy for a given metric specification is allowed.` (users'
logs); `Scalable dimension … only supports the following predefined metric types: …` (aws-cdk#29065); `No scaling policy
found …` (moto). Form of the ARN, and that it has the resource in it: answers of DescribeScalingPolicies and an alarm's
actions that users have published. Cooldowns are 300 seconds unless it is said otherwise, and what steps may be:
botocore's model, StepScalingPolicyConfiguration and StepAdjustment, and the user guide, "Define cooldown periods". Not
compared with AWS: the sentences about a configuration that is not whole, is of another type, or has impossible steps.
"""

from __future__ import annotations

import itertools
import math
import uuid
from typing import TYPE_CHECKING, Any

from embedded_aws.services.application_autoscaling.records import POLICY
from embedded_aws.services.application_autoscaling.targets import DIMENSION, MISSING, NAMESPACE, identity
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from embedded_aws.services.application_autoscaling.targets import TargetKey
    from embedded_aws.services.records import Document, Records, Scope

TRACKING, STEPS = "TargetTrackingScaling", "StepScaling"
INVOCATIONS = "SageMakerVariantInvocationsPerInstance"
TRACKED, STEPPED = "TargetTrackingScalingPolicyConfiguration", "StepScalingPolicyConfiguration"
COOLDOWN = 300
_HIGH_RESOLUTION = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
_METRIC = ("PredefinedMetricSpecification", "CustomizedMetricSpecification")


def name_of(key: TargetKey, policy: str) -> str:
    """Return what a policy's record is kept under."""
    return f"{key.resource_id}/{policy}"


def of_target(records: Records, scope: Scope, resource_id: str) -> list[Document]:
    """Return the policies of a scalable target."""
    return [each for each in records.all(POLICY, scope) if each["ResourceId"] == resource_id]


def required(records: Records, scope: Scope, key: TargetKey, policy: str) -> Document:
    """Return a policy. Raises ObjectNotFoundException."""
    found = records.find(POLICY, scope, name_of(key, policy))
    if found is None:
        raise ServiceError(
            MISSING,
            f"No scaling policy found for service namespace: {NAMESPACE}, resource ID: {key.resource_id}, "
            f"scalable dimension: {DIMENSION}, policy name: {policy}",
        )
    return found


def put(
    before: Document | None,
    others: list[Document],
    request: Mapping[str, Any],
    key: TargetKey,
    *,
    scope: Scope,
    now: datetime,
) -> Document:
    """Return the policy as a request makes it. `others` are its target's other ones. Raises ValidationException."""
    kind = request.get("PolicyType", before["PolicyType"] if before else STEPS)
    if before and kind != before["PolicyType"]:
        raise validation_exception(f"The type of the policy {request['PolicyName']} is {before['PolicyType']}.")
    if kind == "PredictiveScaling":
        raise validation_exception("The embedded AWS does not offer PolicyType PredictiveScaling.")
    wanted, other = (TRACKED, STEPPED) if kind == TRACKING else (STEPPED, TRACKED)
    if other in request or wanted not in request:
        raise validation_exception(f"A policy of the type {kind} is configured by {wanted}, and by that alone.")
    if kind == TRACKING:
        _check_tracked(request[TRACKED])
        if any(_same_metric(request[TRACKED], each[TRACKED]) for each in others if each["PolicyType"] == TRACKING):
            raise validation_exception(
                "Only one TargetTrackingScaling policy for a given metric specification is allowed."
            )
    else:
        _check_stepped(request[STEPPED])
    arn = (
        f"arn:aws:autoscaling:{scope.region}:{scope.account}:scalingPolicy:{uuid.uuid4()}:resource/{NAMESPACE}/"
        f"{key.resource_id}:policyName/{request['PolicyName']}"
    )
    made = before or {
        "PolicyARN": arn,
        "PolicyName": request["PolicyName"],
        **identity(key),
        "PolicyType": kind,
        "CreationTime": now,
        "Alarms": [],
    }
    return {**made, wanted: request[wanted]}


def disables_scale_in(policy: Document) -> bool:
    """Tell whether a target tracking policy only ever scales out."""
    return bool(policy[TRACKED].get("DisableScaleIn"))


def cooldown(policy: Document, *, out: bool) -> int:
    """Return the seconds of the cooldown that a policy has after scaling out, or in."""
    if policy["PolicyType"] == STEPS:
        return int(policy[STEPPED].get("Cooldown", COOLDOWN))
    return int(policy[TRACKED].get("ScaleOutCooldown" if out else "ScaleInCooldown", COOLDOWN))


def _check_tracked(configuration: Mapping[str, Any]) -> None:
    given = [name for name in _METRIC if name in configuration]
    if len(given) != 1:
        raise validation_exception(f"Exactly one of {' and '.join(_METRIC)} must be specified")
    if not (math.isfinite(configuration["TargetValue"]) and configuration["TargetValue"] > 0):
        raise validation_exception("TargetValue must be greater than 0")
    predefined = configuration.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType", INVOCATIONS)
    if predefined == _HIGH_RESOLUTION:
        raise validation_exception(f"The embedded AWS does not offer the metric {_HIGH_RESOLUTION}.")
    if predefined != INVOCATIONS:
        raise validation_exception(
            f"Scalable dimension {DIMENSION} only supports the following predefined metric types: {INVOCATIONS}, "
            f"{_HIGH_RESOLUTION}"
        )
    customized = configuration.get("CustomizedMetricSpecification")
    if customized is not None:
        if "Metrics" in customized:
            raise validation_exception("The embedded AWS does not offer metric math in CustomizedMetricSpecification.")
        missing = [name for name in ("MetricName", "Namespace", "Statistic") if name not in customized]
        if missing:
            raise validation_exception(f"CustomizedMetricSpecification must have {' and '.join(missing)}")
    _check_cooldowns(configuration)


def _check_stepped(configuration: Mapping[str, Any]) -> None:
    if not configuration.get("AdjustmentType") or not configuration.get("StepAdjustments"):
        raise validation_exception("AdjustmentType and StepAdjustments must be specified for a step scaling policy")
    ordered = sorted(
        (each.get("MetricIntervalLowerBound", -math.inf), each.get("MetricIntervalUpperBound", math.inf))
        for each in configuration["StepAdjustments"]
    )
    if any(lower == -math.inf and upper == math.inf for lower, upper in ordered):
        raise validation_exception("The upper and lower bound can't be null in the same step adjustment")
    if any(lower >= upper for lower, upper in ordered):
        raise validation_exception("The upper bound of a step adjustment must be greater than its lower bound")
    if any(before[1] != after[0] for before, after in itertools.pairwise(ordered)):
        raise validation_exception("The ranges of the step adjustments can't overlap or have a gap")
    if -math.inf < ordered[0][0] < 0 or 0 < ordered[-1][1] < math.inf:
        raise validation_exception(
            "A step adjustment with a negative lower bound needs one with a null lower bound, and one with a positive "
            "upper bound needs one with a null upper bound"
        )
    _check_cooldowns(configuration)


def _check_cooldowns(configuration: Mapping[str, Any]) -> None:
    for name in ("Cooldown", "ScaleOutCooldown", "ScaleInCooldown"):
        if configuration.get(name, 0) < 0:
            raise validation_exception(f"{name} must be 0 or more")


def _same_metric(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return [one.get(name) for name in _METRIC] == [other.get(name) for name in _METRIC]
