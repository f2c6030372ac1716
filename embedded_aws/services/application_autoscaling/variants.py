"""The variants of SageMaker's endpoints, which are what is scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterable

    from embedded_aws.services.application_autoscaling.targets import TargetKey
    from embedded_aws.services.records import Scope

IN_SERVICE = "InService"


class SageMakerApi(Protocol):
    """SageMaker's operations, without a check of policies."""

    def call(self, operation: str, document: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Carry out an operation. Raises ServiceError."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A production variant as it is now. `status` is its endpoint's."""

    current: int
    desired: int
    status: str
    config: str
    failure_reason: str


class Variants:
    """Looks variants up, and sets how many instances they have."""

    def __init__(self, sagemaker: SageMakerApi) -> None:
        self._sagemaker = sagemaker

    def get(self, scope: Scope, key: TargetKey) -> Variant:
        """Return a variant. Raises ValidationException in SageMaker's words if there is no such endpoint.

        Not compared with AWS: the sentence for a variant that is not there, and for one that is not yet.
        """
        endpoint = self._sagemaker.call("DescribeEndpoint", {"EndpointName": key.endpoint}, **scope._asdict())
        found = _named(endpoint.get("ProductionVariants", ()), key.variant)
        if found is None:
            raise validation_exception(
                f"Variant {key.variant} not found for endpoint {key.endpoint} in status {endpoint['EndpointStatus']}."
            )
        current = found.get("CurrentInstanceCount", 0)
        return Variant(
            current=current,
            desired=found.get("DesiredInstanceCount", current),
            status=endpoint["EndpointStatus"],
            config=endpoint["EndpointConfigName"],
            failure_reason=endpoint.get("FailureReason", ""),
        )

    def instance_type(self, scope: Scope, key: TargetKey) -> str:
        """Return of which type a variant's instances are. Raises ValidationException if it has none, or is not there.

        Not compared with AWS: the sentence for a serverless one.
        """
        found = self.instance_types(scope, self.get(scope, key).config).get(key.variant)
        if not found:
            raise validation_exception(f"Variant {key.variant} is serverless: it has no instances to scale.")
        return found

    def instance_types(self, scope: Scope, config: str) -> dict[str, str]:
        """Return the instance types of a configuration's variants by name, "" for a serverless one."""
        found = self._sagemaker.call("DescribeEndpointConfig", {"EndpointConfigName": config}, **scope._asdict())
        return {each["VariantName"]: each.get("InstanceType", "") for each in found["ProductionVariants"]}

    def set_desired(self, scope: Scope, key: TargetKey, count: int) -> None:
        """Ask SageMaker for that many instances. Raises ServiceError."""
        wanted = [{"VariantName": key.variant, "DesiredInstanceCount": count}]
        request = {"EndpointName": key.endpoint, "DesiredWeightsAndCapacities": wanted}
        self._sagemaker.call("UpdateEndpointWeightsAndCapacities", request, **scope._asdict())


def _named(variants: Iterable[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((each for each in variants if each["VariantName"] == name), None)
