"""CloudFormation's AWS::ApplicationAutoScaling::ScalableTarget and ::ScalingPolicy.

Sources: the types' schemas that cfn-lint ships (create-only properties; tags on the target only) and CloudFormation's
reference: Ref of a target is `resource ID|dimension|namespace`, which a policy may give as its ScalingTargetId instead
of the three; Ref of a policy is its ARN. Scheduled actions are refused. A name that is there already is taken over, as
RegisterScalableTarget and PutScalingPolicy do. Not compared with AWS: that it is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from embedded_aws.services.application_autoscaling.targets import MISSING
from embedded_aws.services.cloudformation_types import ProvisioningError, ResourceProvider, api_error, typed_members
from embedded_aws.services.sagemaker import tags
from embedded_aws.services.sagemaker.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import StructureShape

    from embedded_aws.services.application_autoscaling.service import ApplicationAutoScaling
    from embedded_aws.services.cloudformation_types import Answer, Properties

_OF_TARGET = ("ResourceId", "ScalableDimension", "ServiceNamespace")
_ID = "ScalingTargetId"
_SEPARATOR = "|"


def resource_providers(
    service: ApplicationAutoScaling, caller: Callable[[], tuple[str, str]]
) -> dict[str, ResourceProvider]:
    """Return the two types, by name. They ask other services: not to be run on the event loop."""
    target, policy = _Target(service, caller), _Policy(service, caller)
    return {
        "AWS::ApplicationAutoScaling::ScalableTarget": ResourceProvider(
            create=target.create,
            update=target.update,
            delete=target.delete,
            replacing=_OF_TARGET,
            waits=True,
            read=target.read,
            reads=("MinCapacity", "MaxCapacity"),
        ),
        "AWS::ApplicationAutoScaling::ScalingPolicy": ResourceProvider(
            create=policy.create,
            update=policy.update,
            delete=policy.delete,
            replacing=("PolicyName", *_OF_TARGET, _ID),
            tags="",
            waits=True,
        ),
    }


@dataclass(frozen=True)
class _Type:
    service: ApplicationAutoScaling
    caller: Callable[[], tuple[str, str]]

    def call(self, operation: str, request: dict[str, Any], *, accepted: str = "") -> Properties:
        """Carry out an operation. Raises ProvisioningError with its refusal, unless its code is `accepted`."""
        account, region = self.caller()
        try:
            return self.service.call(operation, request, account=account, region=region)
        except ServiceError as error:
            if error.code == accepted:
                return {}
            raise api_error(
                "ApplicationAutoScaling", status=error.status, code=error.code, message=error.message
            ) from error

    def typed(self, operation: str, properties: Properties) -> dict[str, Any]:
        """Return properties as the operation has them. Raises ProvisioningError for one that it does not have."""
        shape = cast("StructureShape", self.service.model.operation_model(operation).input_shape)
        return typed_members(shape.members, properties)


class _Target(_Type):
    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Answer:
        """Register the target."""
        del logical_id, stack_name
        own = _tags(properties)
        request = self._request(properties)
        found = self._described(request)
        self.call("RegisterScalableTarget", {**request, **({"Tags": own} if own and not found else {})})
        return self._answer(request)

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Answer:
        """Change bounds, what is suspended, and tags; what a template says no more of `SuspendedState` goes on."""
        del physical_id, stack_name
        request = self._request(new)
        if "SuspendedState" in old:
            goes_on = dict.fromkeys(old["SuspendedState"], False)
            request["SuspendedState"] = {**goes_on, **request.get("SuspendedState", {})}
        self.call("RegisterScalableTarget", request)
        arn = self._described(request)["ScalableTargetARN"]
        before, after = _tags(old), _tags(new)
        if gone := [*(before.keys() - after.keys())]:
            self.call("UntagResource", {"ResourceARN": arn, "TagKeys": gone})
        if after and after != before:
            self.call("TagResource", {"ResourceARN": arn, "Tags": after})
        return self._answer(request)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Deregister the target; one that is gone already, with its endpoint, is fine."""
        del properties
        self.call("DeregisterScalableTarget", _identity(physical_id), accepted=MISSING)

    def read(self, physical_id: str) -> Properties | None:
        """Return the bounds as they are now; None if the target is gone."""
        return self._described(_identity(physical_id)) or None

    def _request(self, properties: Properties) -> dict[str, Any]:
        if "ScheduledActions" in properties:
            raise ProvisioningError("The embedded AWS does not offer the property ScheduledActions.")
        given = {name: value for name, value in properties.items() if name != "Tags"}
        return self.typed("RegisterScalableTarget", given)

    def _described(self, request: Properties) -> dict[str, Any]:
        """Return the target as it is described, nothing if it is not there."""
        wanted = {
            "ServiceNamespace": request["ServiceNamespace"],
            "ScalableDimension": request["ScalableDimension"],
            "ResourceIds": [request["ResourceId"]],
        }
        found = self.call("DescribeScalableTargets", wanted)["ScalableTargets"]
        return dict(found[0]) if found else {}

    def _answer(self, request: Properties) -> Answer:
        name = _SEPARATOR.join(request[member] for member in _OF_TARGET)
        return name, {"Id": name}


class _Policy(_Type):
    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Answer:
        """Put the policy."""
        del logical_id, stack_name
        arn = str(self.call("PutScalingPolicy", self._request(properties))["PolicyARN"])
        return arn, {"Arn": arn}

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Answer:
        """Put it once more."""
        del physical_id, old
        return self.create("", new, stack_name)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the policy; one that is gone already, with its target, is fine."""
        del physical_id
        request = self._request(properties)
        wanted = {name: request[name] for name in ("PolicyName", *_OF_TARGET)}
        self.call("DeleteScalingPolicy", wanted, accepted=MISSING)

    def _request(self, properties: Properties) -> dict[str, Any]:
        given = {name: value for name, value in properties.items() if name != _ID}
        if _ID in properties:
            given |= _identity(properties[_ID])
        return self.typed("PutScalingPolicy", given)


def _identity(physical_id: str) -> dict[str, Any]:
    """Return the members that name a target, by its Ref. Raises ProvisioningError if it is none."""
    parts = physical_id.split(_SEPARATOR)
    if len(parts) != len(_OF_TARGET):
        raise ProvisioningError(f"{physical_id} is no scalable target: resource ID, dimension and namespace make one.")
    return dict(zip(_OF_TARGET, parts, strict=True))


def _tags(properties: Properties) -> dict[str, str]:
    return tags.own({each["Key"]: each.get("Value", "") for each in properties.get("Tags") or ()})
