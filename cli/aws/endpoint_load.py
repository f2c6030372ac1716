"""The endpoints of the lab and its seats with their variants, and what CloudWatch measured of each in the last hour.

Metrics and dimensions: SageMaker's guide, "Monitor Amazon SageMaker AI with Amazon CloudWatch": namespace
AWS/SageMaker, by EndpointName and VariantName, latencies in microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cli.aws import endpoint, seats
from teardown import refusals
from teardown.refusals import Refusal
from teardown.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.aws.session import Session

_MINUTES = 60
_MOST_QUERIES = 500  # of a GetMetricData: botocore's model
_METRICS = {
    "invocations": ("Invocations", "Sum"),
    "latency": ("ModelLatency", "Average"),
    "client_errors": ("Invocation4XXErrors", "Sum"),
    "server_errors": ("Invocation5XXErrors", "Sum"),
}


@dataclass(frozen=True)
class Variant:
    """A production variant: its share of the traffic, from 0 to 1, and its instances (0: serverless)."""

    name: str
    share: float
    instances: int


@dataclass(frozen=True)
class ServedEndpoint:
    """An endpoint; `stage` is what an update is at, `captures` where it writes examples to, "" if nowhere."""

    name: str
    status: str
    hosting: str
    seat: str | None
    stage: str
    failure: str
    variants: tuple[Variant, ...]
    captures: str


@dataclass(frozen=True)
class Load:
    """What a variant had to do, a value a minute, oldest first; latencies in milliseconds, None without a request."""

    minutes: tuple[datetime, ...] = ()
    invocations: tuple[float, ...] = ()
    latency: tuple[float | None, ...] = ()
    errors: float = 0.0
    answered: float = 0.0

    @property
    def latest(self) -> float | None:
        """Return the milliseconds of the last minute that had a request."""
        return next((each for each in reversed(self.latency) if each is not None), None)


def read(session: Session, lab: str, seat_names: Iterable[str]) -> list[ServedEndpoint]:
    """Describe every endpoint of the lab, by name."""
    sagemaker, known = session.client("sagemaker"), sorted(seat_names)
    pages = sagemaker.get_paginator("list_endpoints").paginate(NameContains=lab)
    listed = [each["EndpointName"] for page in pages for each in page["Endpoints"]]
    found = []
    for name in sorted(filter(Scope(lab=lab).names, listed)):
        with refusals.suppress(Refusal.GONE):
            described = sagemaker.describe_endpoint(EndpointName=name)
            found.append(_served(described, seats.owner_of(name, lab, known)))
    return found


def loads(session: Session, served: Sequence[ServedEndpoint], now: datetime) -> dict[tuple[str, str], Load]:
    """Return the load of each variant, by endpoint and variant, in one question or few."""
    wanted = [(each.name, variant.name) for each in served for variant in each.variants]
    queries = [
        _query(f"m{number}_{key}", metric, statistic, whose)
        for number, whose in enumerate(wanted)
        for key, (metric, statistic) in _METRICS.items()
    ]
    end = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    start = end - timedelta(minutes=_MINUTES)
    values: dict[str, dict[datetime, float]] = {}
    pages = session.client("cloudwatch").get_paginator("get_metric_data")
    for first in range(0, len(queries), _MOST_QUERIES):
        asked = {"MetricDataQueries": queries[first : first + _MOST_QUERIES], "StartTime": start, "EndTime": end}
        for result in (each for page in pages.paginate(**asked) for each in page["MetricDataResults"]):
            moments = (moment.astimezone(UTC) for moment in result["Timestamps"])
            values.setdefault(result["Id"], {}).update(zip(moments, result["Values"], strict=True))
    minutes = tuple(start + timedelta(minutes=number) for number in range(_MINUTES))
    return {whose: _load(minutes, number, values) for number, whose in enumerate(wanted)}


def _served(described: Mapping[str, Any], seat: str | None) -> ServedEndpoint:
    variants = described.get("ProductionVariants", ())
    weights = sum(each.get("CurrentWeight", 0) for each in variants) or 1
    capture = described.get("DataCaptureConfig", {})
    return ServedEndpoint(
        name=described["EndpointName"],
        status=described["EndpointStatus"],
        hosting=endpoint.hosting_of(described),
        seat=seat,
        stage=endpoint.stage_of(described),
        failure=described.get("FailureReason", ""),
        variants=tuple(
            Variant(each["VariantName"], each.get("CurrentWeight", 0) / weights, each.get("CurrentInstanceCount", 0))
            for each in variants
        ),
        captures=capture.get("DestinationS3Uri", "") if capture.get("EnableCapture") else "",
    )


def _query(identifier: str, metric: str, statistic: str, whose: tuple[str, str]) -> dict[str, Any]:
    dimensions = [
        {"Name": name, "Value": value} for name, value in zip(("EndpointName", "VariantName"), whose, strict=True)
    ]
    measured = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": measured, "Period": 60, "Stat": statistic}}


def _load(minutes: tuple[datetime, ...], number: int, values: Mapping[str, Mapping[datetime, float]]) -> Load:
    of = {key: values.get(f"m{number}_{key}", {}) for key in _METRICS}
    return Load(
        minutes=minutes,
        invocations=tuple(of["invocations"].get(minute, 0.0) for minute in minutes),
        latency=tuple(of["latency"][minute] / 1000 if minute in of["latency"] else None for minute in minutes),
        errors=sum(of["client_errors"].values()) + sum(of["server_errors"].values()),
        answered=sum(of["invocations"].values()),
    )
