"""The endpoints of the lab and its seats with their variants, and what CloudWatch measured of each in the last hour.

Metrics and dimensions: SageMaker's guide, "Monitor Amazon SageMaker AI with Amazon CloudWatch": namespace
AWS/SageMaker, by EndpointName and VariantName, latencies in microseconds. Serverless endpoints have the same ("Alarms
and logs for tracking metrics from serverless endpoints"). Asynchronous ones have no Invocations ("… from asynchronous
endpoints"): their requests are InvocationsProcessed, which the guide spells with one s more, and Cloud Custodian's
document of recorded answers does not; their queue is the whole endpoint's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.aws import endpoint, seats
from teardown import refusals
from teardown.refusals import Refusal
from teardown.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.aws.session import Session

_MINUTES = 60
_MOST_QUERIES = 500  # of a GetMetricData: botocore's model


class _Metric(NamedTuple):
    name: str
    statistic: str = "Sum"
    of_variant: bool = True


_LATENCY = _Metric("ModelLatency", "Average")
_METRICS = {
    "invocations": _Metric("Invocations"),
    "latency": _LATENCY,
    "client_errors": _Metric("Invocation4XXErrors"),
    "server_errors": _Metric("Invocation5XXErrors"),
}
_METRICS_OF_ASYNC = {
    "invocations": _Metric("InvocationsProcessed"),
    "latency": _LATENCY,
    "failures": _Metric("InvocationFailures"),  # the model's errors are among them
    "waiting": _Metric("ApproximateBacklogSize", "Maximum", of_variant=False),
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
    """What a variant had to do, a value a minute, oldest first; latencies in milliseconds, None without a request.

    `waiting` is how many requests an asynchronous endpoint's queue held in the last minute that was measured.
    """

    minutes: tuple[datetime, ...] = ()
    invocations: tuple[float, ...] = ()
    latency: tuple[float | None, ...] = ()
    errors: float = 0.0
    answered: float = 0.0
    waiting: float = 0.0

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
    wanted = [(each, variant.name) for each in served for variant in each.variants]
    queries = [
        _query(f"m{number}_{key}", metric, each.name, variant)
        for number, (each, variant) in enumerate(wanted)
        for key, metric in (_METRICS_OF_ASYNC if each.hosting == "async" else _METRICS).items()
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
    return {(each.name, variant): _load(minutes, number, values) for number, (each, variant) in enumerate(wanted)}


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


def _query(identifier: str, metric: _Metric, endpoint_name: str, variant: str) -> dict[str, Any]:
    named = {"EndpointName": endpoint_name} | ({"VariantName": variant} if metric.of_variant else {})
    dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
    measured = {"Namespace": "AWS/SageMaker", "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": measured, "Period": 60, "Stat": metric.statistic}}


def _load(minutes: tuple[datetime, ...], number: int, values: Mapping[str, Mapping[datetime, float]]) -> Load:
    of = {key: values.get(f"m{number}_{key}", {}) for key in _METRICS | _METRICS_OF_ASYNC}
    queued = of["waiting"]
    return Load(
        minutes=minutes,
        invocations=tuple(of["invocations"].get(minute, 0.0) for minute in minutes),
        latency=tuple(of["latency"][minute] / 1000 if minute in of["latency"] else None for minute in minutes),
        errors=sum(sum(of[key].values()) for key in ("client_errors", "server_errors", "failures")),
        answered=sum(of["invocations"].values()),
        waiting=queued[max(queued)] if queued else 0.0,
    )
