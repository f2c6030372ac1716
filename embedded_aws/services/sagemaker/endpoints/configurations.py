"""Endpoint configurations: plain records, once what they ask for goes together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.endpoints import async_inference, serverless, shadow
from embedded_aws.services.sagemaker.provider import Provider

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.store import Record


class EndpointConfigs(Provider):
    """SageMaker's endpoint configurations."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check what variants of the asked kinds can't have, and that they go together."""
        scope = {"account": record.account, "region": record.region}
        names = [variant["ModelName"] for variant in request["ProductionVariants"] if "ModelName" in variant]
        models = [self.context.store.get("Model", name, **scope).members for name in names]
        serverless.check_config(request, models)
        shadow.check(request)
        async_inference.check_config(request, models)
