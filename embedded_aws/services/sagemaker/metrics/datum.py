"""One value of a metric, or several, as CloudWatch takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.services.sagemaker.store import Record

    Send = Callable[["MetricDatum"], object]


@dataclass(frozen=True, kw_only=True)
class MetricSource:
    """What is measured: a namespace and dimensions, in an account and a region."""

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
    """An instance of a job, by the name of its host: `<job>/algo-1`, or an instance's id for a transform job."""
    return _source(record, f"/aws/sagemaker/{record.resource_type.name}s", Host=f"{record.name}/{host}")


def of_variant(endpoint: Record, variant: str) -> MetricSource:
    """The instances of an endpoint's variant."""
    return _source(endpoint, "/aws/sagemaker/Endpoints", EndpointName=endpoint.name, VariantName=variant)


def of_invocations(endpoint: Record, variant: str) -> MetricSource:
    """What an endpoint's variant is asked."""
    return _source(endpoint, "AWS/SageMaker", EndpointName=endpoint.name, VariantName=variant)


def _source(record: Record, namespace: str, **dimensions: str) -> MetricSource:
    return MetricSource(
        account=record.account, region=record.region, namespace=namespace, dimensions=tuple(dimensions.items())
    )
