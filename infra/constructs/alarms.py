"""Alarms that tell the lab's topic, each with what to do about it; those on the endpoint are here.

Namespaces, names, dimensions and units: SageMaker's guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", and, of
a serverless endpoint, "Alarms and logs for tracking metrics from serverless endpoints". An alarm costs a tenth of a
dollar a month (CloudWatch's pricing page).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs import hosting
from infra.constructs.arns import arn
from infra.settings import virtual_cpus
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings import Settings

INVOCATIONS, INSTANCES = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
_MINUTES = 60
_FULL = 90  # per cent


class Alarm(cloudwatch.CfnAlarm):
    """An alarm that tells the lab's topic. Where nothing is measured, nothing is wrong."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        lab: str,
        name: str,
        metric: tuple[str, str],
        dimensions: Mapping[str, str],
        statistic: str,
        threshold: float,
        seconds: int,
        periods: int = 1,
        description: str,
    ) -> None:
        namespace, metric_name = metric
        super().__init__(
            scope,
            construct_id,
            alarm_actions=[arn("sns", names.notices_topic(lab))],
            alarm_description=description,
            alarm_name=name,
            comparison_operator="GreaterThanOrEqualToThreshold",
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in dimensions.items()
            ],
            evaluation_periods=periods,
            metric_name=metric_name,
            namespace=namespace,
            period=seconds,
            statistic=statistic,
            threshold=threshold,
            treat_missing_data="notBreaching",
        )


@dataclass(frozen=True, kw_only=True)
class _Watched:
    """A metric of the endpoint, from where on it is an alarm, for how many periods of so many minutes, what to do."""

    of: str
    metric: tuple[str, str]
    statistic: str
    threshold: float
    minutes: int = 5
    periods: int = 1
    description: str


class EndpointAlarms(Construct):
    """The alarms on the lab's endpoint, as far as its hosting measures what they are on."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, endpoint_name: str) -> None:
        super().__init__(scope, construct_id)
        for each in _watched(settings):
            Alarm(
                self,
                each.of.capitalize(),
                lab=settings.name,
                name=names.alarm(settings.name, each.of),
                metric=each.metric,
                dimensions={"EndpointName": endpoint_name, "VariantName": hosting.VARIANT},
                statistic=each.statistic,
                threshold=each.threshold,
                seconds=each.minutes * _MINUTES,
                periods=each.periods,
                description=each.description,
            )


def endpoint_alarm_names(settings: Settings) -> list[str]:
    """Return the names of the alarms on the lab's endpoint."""
    return [names.alarm(settings.name, each.of) for each in _watched(settings)]


def _watched(settings: Settings) -> list[_Watched]:
    lab = settings.name
    found = [
        _Watched(
            of="refused",
            metric=(INVOCATIONS, "Invocation4XXErrors"),
            statistic="Sum",
            threshold=10,
            description=f"Ten requests to the endpoint of the lab {lab} or more were refused within five minutes: "
            "somebody sends what it does not take. The endpoint's log says why; send png, jpeg, x-npy or JSON, as "
            "`./lab predict` does.",
        ),
        _Watched(
            of="failed",
            metric=(INVOCATIONS, "Invocation5XXErrors"),
            statistic="Sum",
            threshold=5,
            description=f"Five requests to the endpoint of the lab {lab} or more failed within five minutes. A picture "
            "that can't be read counts too, for the container answers 500 to it: the endpoint's log tells which it is. "
            "If the model itself fails, `./lab models rollback` has the one before serve.",
        ),
        _Watched(
            of="slow",
            metric=(INVOCATIONS, "ModelLatency"),
            statistic="Average",
            threshold=1_000_000,  # microseconds
            description=f"The model of the lab {lab} takes a second for a request on average, where some milliseconds "
            "are usual: look at the instances' CPU and memory on the dashboard, and at what is sent.",
        ),
    ]
    more = "`-c lab.endpoint_instances=1-4` adds some by load, another lab.endpoint_instance_type has larger ones."
    if settings.hosting != "serverless":
        found.append(
            _Watched(
                of="cpu",
                metric=(INSTANCES, "CPUUtilization"),
                statistic="Average",
                threshold=_FULL * virtual_cpus(settings.endpoint_instance_type),  # the sum over all processors
                periods=3,
                description=f"The processors of the instances of the endpoint of the lab {lab} have been busy for a "
                f"quarter of an hour, to nine tenths: {more}",
            )
        )
    found.append(
        _Watched(
            of="memory",
            metric=(INSTANCES, "MemoryUtilization"),
            statistic="Average",
            threshold=_FULL,
            periods=3,
            description=f"The memory behind the endpoint of the lab {lab} has been nine tenths full for a quarter of "
            f"an hour: " + ("a larger lab.serverless_memory has more." if settings.hosting == "serverless" else more),
        )
    )
    return found
