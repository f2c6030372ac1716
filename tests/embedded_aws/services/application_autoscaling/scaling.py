"""Application Auto Scaling as its tests use it: one variant of an endpoint, and short ways to scale it."""

from __future__ import annotations

import contextlib
from typing import Any

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
INVOCATIONS = "SageMakerVariantInvocationsPerInstance"


class Scaling:
    """A client of Application Auto Scaling, and the variant v0 of an endpoint."""

    def __init__(self, client: Any, endpoint: str) -> None:
        self.client, self.endpoint = client, endpoint
        self.resource = f"endpoint/{endpoint}/variant/v0"
        self.on = {"ServiceNamespace": "sagemaker", "ResourceId": self.resource, "ScalableDimension": DIMENSION}

    def register(self, least: int, most: int, **more: Any) -> str:
        """Register the variant; the target's ARN."""
        request = {**self.on, "MinCapacity": least, "MaxCapacity": most, **more}
        return str(self.client.register_scalable_target(**request)["ScalableTargetARN"])

    def target(self) -> dict[str, Any]:
        """What is described of it."""
        [found] = self.targets()
        return found

    def targets(self) -> list[dict[str, Any]]:
        """The same, or nothing."""
        answer = self.client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[self.resource])
        return list(answer["ScalableTargets"])

    def track(self, target_value: float, *, name: str = "invocations", **more: Any) -> dict[str, Any]:
        """Put a policy that tracks the invocations per instance; the answer."""
        metric = {"PredefinedMetricType": INVOCATIONS}
        configuration = {"TargetValue": target_value, "PredefinedMetricSpecification": metric, **more}
        return self.put(name, "TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=configuration)

    def put(self, name: str, kind: str, **configuration: Any) -> dict[str, Any]:
        """Put a policy; the answer."""
        request = {"PolicyName": name, "PolicyType": kind, **self.on, **configuration}
        return dict(self.client.put_scaling_policy(**request))

    def policies(self) -> list[dict[str, Any]]:
        """What is described of its policies."""
        answer = self.client.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=self.resource)
        return list(answer["ScalingPolicies"])

    def activities(self, **more: Any) -> list[dict[str, Any]]:
        """What is described of its activities, the latest first."""
        request = {"ServiceNamespace": "sagemaker", "ResourceId": self.resource, **more}
        return list(self.client.describe_scaling_activities(**request)["ScalingActivities"])

    def close(self) -> None:
        """Deregister it, if it is there."""
        with contextlib.suppress(self.client.exceptions.ObjectNotFoundException):
            self.client.deregister_scalable_target(**self.on)
