"""The scaling of endpoints: how many instances there are and may be, and what brings it back after a pause.

When an endpoint is deleted, Application Auto Scaling forgets that it was scaled, with its policies: SageMaker's guide,
"Delete endpoints configured for auto scaling". So a pause writes it down, and a resume registers it again; its policies
have other ARNs then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAMESPACE = "sagemaker"
_OF_TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_TARGET = (*_OF_TARGET, "MinCapacity", "MaxCapacity", "SuspendedState")
_POLICY = (
    "PolicyName",
    "PolicyType",
    *_OF_TARGET,
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
)


class EndpointScaling:
    """How an account's endpoints are scaled; `client` is one of Application Auto Scaling."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def bounds(self, endpoint: str) -> dict[str, tuple[int, int]]:
        """Return the least and the most instances of each variant that is scaled."""
        return {
            each["ResourceId"].rpartition("/")[2]: (each["MinCapacity"], each["MaxCapacity"])
            for each in self._targets(endpoint)
        }

    def record(self, endpoint: str) -> list[dict[str, Any]]:
        """Return what it takes to scale an endpoint again as it is scaled now: of each variant target and policies."""
        return [self._recorded(target) for target in self._targets(endpoint)]

    def restore(self, recorded: Iterable[Mapping[str, Any]]) -> None:
        """Register what was recorded again; the endpoint must be in service. Raises ClientError."""
        for each in recorded:
            target = dict(each["target"])
            there = any(one["ResourceId"] == target["ResourceId"] for one in self._described(target["ResourceId"]))
            tags = {"Tags": each["tags"]} if each["tags"] and not there else {}
            self._client.register_scalable_target(**target, **tags)
            for policy in each["policies"]:
                self._client.put_scaling_policy(**policy)

    def _targets(self, endpoint: str) -> list[dict[str, Any]]:
        return [each for each in self._described() if each["ResourceId"].startswith(f"endpoint/{endpoint}/")]

    def _described(self, *resources: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("describe_scalable_targets").paginate(
            ServiceNamespace=_NAMESPACE, **({"ResourceIds": [*resources]} if resources else {})
        )
        return [each for page in pages for each in page["ScalableTargets"]]

    def _recorded(self, target: Mapping[str, Any]) -> dict[str, Any]:
        arn = target.get("ScalableTargetARN")
        tags = self._client.list_tags_for_resource(ResourceARN=arn)["Tags"] if arn else {}
        pages = self._client.get_paginator("describe_scaling_policies").paginate(
            ServiceNamespace=_NAMESPACE, ResourceId=target["ResourceId"]
        )
        policies = [_only(_POLICY, each) for page in pages for each in page["ScalingPolicies"]]
        own = {key: value for key, value in tags.items() if not key.startswith("aws:")}
        return {"target": _only(_TARGET, target), "tags": own, "policies": policies}


def _only(names: Iterable[str], members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: members[name] for name in names if name in members}
