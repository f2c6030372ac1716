"""Values of a metric, as CloudWatch takes them, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.services.sagemaker.store import Record

    Send = Callable[["MetricDatum"], object]

SAGEMAKER, INSTANCES = "AWS/SageMaker", "/aws/sagemaker/"
"""The namespace of what SageMaker measures of invocations, and what those begin with of its instances."""


@dataclass(frozen=True, kw_only=True)
class MetricSource:
    """The namespace and dimensions of a metric, in an account and a region."""

    account: str
    region: str
    namespace: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class MetricDatum:
    """Values of a metric, each with the number of times that it was seen; `time` in seconds since the epoch."""

    source: MetricSource
    name: str
    unit: str
    values: Mapping[float, float]
    time: float


def of_instance(record: Record, host: str) -> MetricSource:
    """Return the source of a job's instance; `host` is named like algo-1, a transform job's like its instance."""
    return _source(record, f"{INSTANCES}{record.resource_type.name}s", Host=f"{record.name}/{host}")


def of_variant(endpoint: Record, variant: str, container: str = "") -> MetricSource:
    """Return the source of the instances of an endpoint's variant; of one container of theirs alone, if given."""
    of_container = {"ContainerName": container} if container else {}
    return _source(endpoint, f"{INSTANCES}Endpoints", EndpointName=endpoint.name, VariantName=variant, **of_container)


def of_endpoint(endpoint: Record) -> MetricSource:
    """Return the source of what is measured of a whole endpoint."""
    return _source(endpoint, SAGEMAKER, EndpointName=endpoint.name)


def of_invocations(endpoint: Record, variant: str, config: str = "", container: str = "") -> MetricSource:
    """Return the source of the invocations of an endpoint's variant; of one configuration or container, if given."""
    alone = {"EndpointConfigName": config, "ContainerName": container}
    given = {name: value for name, value in alone.items() if value}
    return of_invocations_named(endpoint.name, variant, account=endpoint.account, region=endpoint.region, **given)


def of_invocations_named(endpoint: str, variant: str, *, account: str, region: str, **alone: str) -> MetricSource:
    """Return the same by the endpoint's name; `alone` are further dimensions."""
    dimensions = (("EndpointName", endpoint), ("VariantName", variant), *alone.items())
    return MetricSource(account=account, region=region, namespace=SAGEMAKER, dimensions=dimensions)


def _source(record: Record, namespace: str, **dimensions: str) -> MetricSource:
    return MetricSource(
        account=record.account, region=record.region, namespace=namespace, dimensions=tuple(dimensions.items())
    )
