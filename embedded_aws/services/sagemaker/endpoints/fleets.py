"""Make fleets: of an endpoint configuration, its models, and the instances that serve them."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime.credentials import CredentialsEndpoint
from embedded_aws.services.sagemaker.endpoints import async_inference, notifications
from embedded_aws.services.sagemaker.endpoints.containers import DIRECT, SERIAL, Containers, SingleModelContainer
from embedded_aws.services.sagemaker.endpoints.data_capture import DataCapture
from embedded_aws.services.sagemaker.endpoints.fleet import Fleet
from embedded_aws.services.sagemaker.endpoints.hosts import GROUP, HostedModel, HostIdentity, ModelHost
from embedded_aws.services.sagemaker.endpoints.models import container_names, containers_of, hosted_models
from embedded_aws.services.sagemaker.endpoints.multi_model import MultiModelContainer
from embedded_aws.services.sagemaker.endpoints.serverless import CONFIG, ServerlessVariant
from embedded_aws.services.sagemaker.endpoints.variant import Variant
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.metrics.datum import of_invocations, of_variant
from embedded_aws.services.sagemaker.metrics.model_loading import ModelLoading
from embedded_aws.services.sagemaker.metrics.serverless import ServerlessMetrics
from embedded_aws.services.sagemaker.roles import role_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

_RETAINED = {"DesiredInstanceCount": "InitialInstanceCount", "DesiredWeight": "InitialVariantWeight"}
_SHADOWS = "ShadowProductionVariants"
_MODELS = {"ProductionVariants": "Models", _SHADOWS: "ShadowModels"}
"""Where a deployment has the members of its variants' models."""
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
        models: dict[str, list[dict[str, Any]]] = {}
        for kind, member in _MODELS.items():
            for variant in config.get(kind, ()):
                if "ModelName" not in variant:
                    raise validation_exception("The embedded AWS offers variants with a model only.")
                model = self._context.store.get("Model", variant["ModelName"], **scope)
                models.setdefault(member, []).append(model.members)
        return {**config, "EndpointConfigName": name, **models}

    def make(self, record: Record, deployment: Mapping[str, Any], served: Sequence[Mapping[str, Any]] = ()) -> Fleet:
        """Return a fleet, not yet up, of what `deployment` returned. Raises ServiceError.

        `served` describes its variants as they were if it has served before.
        """
        images = {each["VariantName"]: each.get("DeployedImages", ()) for each in served}
        variants: list[Variant | ServerlessVariant] = []
        for members, model in zip(deployment["ProductionVariants"], deployment["Models"], strict=True):
            make_host = self._maker(record, members, model)
            if CONFIG in members:
                variants.append(self._serverless(record, members, make_host, images.get(members["VariantName"], ())))
            else:
                variants.append(Variant(members, make_host))
        shadows = [
            Variant(members, self._maker(record, members, model))
            for members, model in zip(deployment.get(_SHADOWS, ()), deployment.get(_MODELS[_SHADOWS], ()), strict=True)
        ]
        wanted = deployment.get(_CAPTURE)
        capture = None
        if wanted and wanted.get("EnableCapture", True):
            capture = DataCapture(wanted, endpoint=record.name, role=self.role(record, deployment))
        return Fleet(deployment, variants, shadows, capture)

    def prepare(self, record: Record, deployment: Mapping[str, Any]) -> None:
        """Do what comes before a fleet of this: publish an asynchronous one's test notification. Raises HostError."""
        if config := deployment.get(async_inference.CONFIG):
            notifications.test(config, self.role(record, deployment))

    def role(self, record: Record, deployment: Mapping[str, Any]) -> Role:
        """Return the first model's execution role, as which the endpoint does what is none of its models'."""
        arn = deployment["Models"][0]["ExecutionRoleArn"]
        return role_of(record, arn, endpoint_url=self._context.endpoint_url)

    def close(self) -> None:
        """Give no host credentials any more."""
        self._credentials.close()

    def _serverless(
        self,
        record: Record,
        members: dict[str, Any],
        make_host: Callable[[], Containers],
        images: Sequence[dict[str, Any]],
    ) -> ServerlessVariant:
        source = of_invocations(record, members["VariantName"])
        metrics = ServerlessMetrics(self._context.metrics.samples, source)
        return ServerlessVariant(members, make_host, self._context.clock, metrics, images=images)

    def _maker(self, record: Record, members: dict[str, Any], model: Mapping[str, Any]) -> Callable[[], Containers]:
        """Return what makes the containers of a variant's instance, not yet up. Raises ServiceError."""
        hosted = hosted_models(record, model, members, endpoint_url=self._context.endpoint_url)
        names = container_names(containers_of(model))
        mode = model.get("InferenceExecutionConfig", {}).get("Mode", SERIAL)
        return partial(self._instance, record, dict(zip(names, hosted, strict=True)), mode)

    def _instance(self, record: Record, models: Mapping[str, HostedModel], mode: str) -> Containers:
        """Return the containers of a new instance, not yet up, of models by their containers' names."""
        instance = f"i-{secrets.token_hex(8)}0"
        containers = []
        for name, model in models.items():
            alone = len(models) == 1
            identity = HostIdentity(
                title=f"production variant {model.variant_name}",
                log_group=f"{GROUP}/{record.name}",
                log_stream=f"{model.variant_name}/{instance}{'' if alone else f'/{name}'}",
                metrics_source=of_variant(record, model.variant_name),
                container=name,
                instance=instance,
                container_source=of_variant(record, model.variant_name, name) if mode == DIRECT else None,
            )
            host = ModelHost(record, model, identity, context=self._context, credentials=self._credentials)
            containers.append(self._multi_model(record, host) if model.multi_model else SingleModelContainer(host))
        return Containers(containers, mode)

    def _multi_model(self, record: Record, host: ModelHost) -> MultiModelContainer:
        variant = host.model.variant_name
        sources = {"invocations": of_invocations(record, variant), "instance": of_variant(record, variant)}
        return MultiModelContainer(host, ModelLoading(self._context.metrics, **sources))


def _retain(config: dict[str, Any], serving: Mapping[str, Any], excluded: set[str]) -> None:
    """Put the properties of the variants that serve, and of their capture, into a configuration's members."""
    every = [each for kind in _MODELS for each in serving.get(kind, ())]
    before: Mapping[str, Mapping[str, Any]] = {each["VariantName"]: each for each in every}
    kept = [member for kind, member in _RETAINED.items() if kind not in excluded]
    for kind in _MODELS.keys() & config.keys():
        variants: Sequence[Mapping[str, Any]] = config[kind]
        config[kind] = [
            {**each, **{name: value for name, value in before.get(each["VariantName"], {}).items() if name in kept}}
            for each in variants
        ]
    if _CAPTURE not in excluded and _CAPTURE in serving:
        config[_CAPTURE] = serving[_CAPTURE]
