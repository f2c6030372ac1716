"""The CloudWatch alarms of a target tracking policy: above its target, and well below it.

Sources: alarms of Application Auto Scaling as terraform's and AWS's users have published them, ECS's and SageMaker's:
name, description, that three minutes of three must be above the target, and fifteen of fifteen below nine tenths of it
(aws-samples' workshops; target 30, low alarm at 27). Not compared with AWS: that a policy which is put once more keeps
its alarms' names; that one which only scales out has no low alarm.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from embedded_aws.services.application_autoscaling import policies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.application_autoscaling.targets import TargetKey
    from embedded_aws.services.records import Document

HIGH, LOW = "AlarmHigh", "AlarmLow"
_PERIOD = 60
_PERIODS = {HIGH: 3, LOW: 15}
_LOW_SHARE = 0.9
_CREATOR = ":createdBy/"


def named(policy: Document, kind: str) -> str | None:
    """Return the name of a policy's alarm of that kind, if it has one."""
    return next((each["AlarmName"] for each in policy["Alarms"] if f"-{kind}-" in each["AlarmName"]), None)


def policy_arn(action: str) -> str:
    """Return the ARN of the policy that an alarm's action names."""
    return action.partition(_CREATOR)[0]


def wanted(policy: Document, key: TargetKey) -> list[dict[str, Any]]:
    """Return the requests of PutMetricAlarm for a policy; a step policy's alarms are its owner's own affair."""
    if policy["PolicyType"] != policies.TRACKING:
        return []
    kinds = [HIGH] if policies.disables_scale_in(policy) else [HIGH, LOW]
    known = {kind: named(policy, kind) for kind in kinds}
    action = f"{policy['PolicyARN']}{_CREATOR}{policy['PolicyARN'].split(':')[6]}"
    return [
        {
            "AlarmName": known[kind] or f"TargetTracking-{key.resource_id}-{kind}-{uuid.uuid4()}",
            "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {action}.",
            "AlarmActions": [action],
            **_metric(policy[policies.TRACKED], key),
            "Period": _PERIOD,
            "EvaluationPeriods": _PERIODS[kind],
            **_threshold(policy[policies.TRACKED]["TargetValue"], kind),
        }
        for kind in kinds
    ]


def _threshold(target_value: float, kind: str) -> dict[str, Any]:
    if kind == HIGH:
        return {"ComparisonOperator": "GreaterThanThreshold", "Threshold": target_value}
    # 0.9 * 70.0 is 63.0 then, as published, and no 62.99999…
    return {"ComparisonOperator": "LessThanThreshold", "Threshold": round(_LOW_SHARE * target_value, 9)}


def _metric(configuration: Mapping[str, Any], key: TargetKey) -> dict[str, Any]:
    customized = configuration.get("CustomizedMetricSpecification")
    if customized:
        return {name: value for name, value in customized.items() if name != "Metrics"}
    dimensions = {"EndpointName": key.endpoint, "VariantName": key.variant}
    return {
        "Namespace": "AWS/SageMaker",
        "MetricName": "InvocationsPerInstance",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": "Sum",
    }
