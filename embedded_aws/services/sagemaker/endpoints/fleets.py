"""Make fleets: of an endpoint configuration, its models, and the instances that serve them."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime.credentials import CredentialsEndpoint
from embedded_aws.services.sagemaker.endpoints.data_capture import DataCapture
from embedded_aws.services.sagemaker.endpoints.fleet import Fleet
from embedded_aws.services.sagemaker.endpoints.hosts import GROUP, HostedModel, HostIdentity, ModelHost
from embedded_aws.services.sagemaker.endpoints.models import hosted_model
from embedded_aws.services.sagemaker.endpoints.serverless import CONFIG, ServerlessVariant
from embedded_aws.services.sagemaker.endpoints.variant import Variant
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.metrics.datum import of_invocations, of_variant
from embedded_aws.services.sagemaker.metrics.serverless import ServerlessMetrics
from embedded_aws.services.sagemaker.roles import role_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

_RETAINED = {"DesiredInstanceCount": "InitialInstanceCount", "DesiredWeight": "InitialVariantWeight"}
_CAPTURE = "DataCaptureConfig"


class Fleets:
    """Makes the fleets of all endpoints."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._credentials = CredentialsEndpoint()

    def deployment(
        self, record: Record, request: Mapping[str, Any], serving: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what the fleet is made of that a Create or Update request asks for. Raises ServiceError.

        It has a configuration's members and those of the variants' models, so that it stays as it is when they go; and
        the properties of the variants that serve which an update retains.
        """
        scope = {"account": record.account, "region": record.region}
        name = request["EndpointConfigName"]
        config = dict(self._context.store.get("EndpointConfig", name, **scope).members)
        if serving and request.get("RetainAllVariantProperties"):
            excluded = request.get("ExcludeRetainedVariantProperties", ())
            _retain(config, serving, {each["VariantPropertyType"] for each in excluded})
        models = []
        for variant in config["ProductionVariants"]:
            if "ModelName" not in variant:
                raise validation_exception("The embedded AWS offers variants with a model only.")
            models.append(self._context.store.get("Model", variant["ModelName"], **scope).members)
        return {**config, "EndpointConfigName": name, "Models": models}

    def make(self, record: Record, deployment: Mapping[str, Any], served: Sequence[Mapping[str, Any]] = ()) -> Fleet:
        """Return a fleet, not yet up, of what `deployment` returned. Raises ServiceError.

        `served` describes its variants as they were if it has served before.
        """
        images = {each["VariantName"]: each.get("DeployedImages", ()) for each in served}
        variants = []
        for members, model in zip(deployment["ProductionVariants"], deployment["Models"], strict=True):
            hosted = hosted_model(record, model, members, endpoint_url=self._context.endpoint_url)
            variants.append(self._variant(record, members, hosted, images.get(members["VariantName"], ())))
        wanted = deployment.get(_CAPTURE)
        capture = None
        if wanted and wanted.get("EnableCapture", True):
            capture = DataCapture(wanted, endpoint=record.name, role=self.role(record, deployment))
        return Fleet(deployment, variants, capture)

    def role(self, record: Record, deployment: Mapping[str, Any]) -> Role:
        """Return the first model's execution role, as which the endpoint does what is none of its models'."""
        arn = deployment["Models"][0]["ExecutionRoleArn"]
        return role_of(record, arn, endpoint_url=self._context.endpoint_url)

    def close(self) -> None:
        """Give no host credentials any more."""
        self._credentials.close()

    def _variant(
        self, record: Record, members: dict[str, Any], model: HostedModel, images: Sequence[dict[str, Any]]
    ) -> Variant | ServerlessVariant:
        make_host = partial(self._host, record, model)
        if CONFIG not in members:
            return Variant(members, make_host)
        metrics = ServerlessMetrics(self._context.metrics.samples, of_invocations(record, model.variant_name))
        return ServerlessVariant(members, make_host, self._context.clock, metrics, images=images)

    def _host(self, record: Record, model: HostedModel) -> ModelHost:
        identity = HostIdentity(
            title=f"production variant {model.variant_name}",
            log_group=f"{GROUP}/{record.name}",
            log_stream=f"{model.variant_name}/i-{secrets.token_hex(8)}0",
            metrics_source=of_variant(record, model.variant_name),
        )
        return ModelHost(record, model, identity, context=self._context, credentials=self._credentials)


def _retain(config: dict[str, Any], serving: Mapping[str, Any], excluded: set[str]) -> None:
    """Put the properties of the variants that serve, and of their capture, into a configuration's members."""
    before: Mapping[str, Mapping[str, Any]] = {each["VariantName"]: each for each in serving["ProductionVariants"]}
    kept = [member for kind, member in _RETAINED.items() if kind not in excluded]
    variants: Sequence[Mapping[str, Any]] = config["ProductionVariants"]
    config["ProductionVariants"] = [
        {**each, **{member: value for member, value in before.get(each["VariantName"], {}).items() if member in kept}}
        for each in variants
    ]
    if _CAPTURE not in excluded and _CAPTURE in serving:
        config[_CAPTURE] = serving[_CAPTURE]
