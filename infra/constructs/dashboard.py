"""The lab's dashboard in CloudWatch: alarms, endpoint, training and drift, as far as this lab measures them.

What is shown is what SageMaker and the lab itself publish, by the sources that alarms.py names; the metrics of training
jobs have the dimensions that the SageMaker SDK asks for (`TrainingJobAnalytics`). Neither a lease nor a lab's cost is a
metric of AWS's: the text says where they are told. A dashboard costs three dollars a month, the first three of an
account nothing (CloudWatch's pricing page).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs import alarms, hosting
from infra.constructs.arns import arn, region
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.settings import Settings

_TRAINING = "/aws/sagemaker/TrainingJobs"
_WIDTH, _HEIGHT = 8, 6
_COMPARED = ("brightness", "contrast", "noise", "hidden_layer", "confidence", "entropy", "classes", "unknown")


class Dashboard(Construct):
    """One page of the lab; `training_job` is the one whose model the stack serves, "" if no network was trained."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, endpoint_name: str, training_job: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = names.dashboard(settings.name, region())
        page = cloudwatch.Dashboard(self, "Page", dashboard_name=self.name)
        page.add_widgets(_text(settings))
        page.add_widgets(_alarms(self, settings))
        page.add_widgets(*_endpoint(settings, endpoint_name))
        if training_job:
            page.add_widgets(*_training(training_job))
        if settings.monitor != "off":
            page.add_widgets(*_drift(settings, endpoint_name))


def _text(settings: Settings) -> cloudwatch.TextWidget:
    lease = (
        "`./lab status` tells when its lease ends" if settings.lease else "It has no lease: it stays until `./lab down`"
    )
    budget = f"; AWS Budgets tells the topic at parts of {settings.budget} USD a month" if settings.budget else ""
    return cloudwatch.TextWidget(
        height=2,
        width=3 * _WIDTH,
        markdown=f"# Lab {settings.name}\n{lease}. `./lab cost` tells what it costs{budget}. `./lab console` shows "
        "seats and jobs. This page is made by infra/constructs/dashboard.py: what is changed here is lost.",
    )


def _alarms(scope: Construct, settings: Settings) -> cloudwatch.AlarmStatusWidget:
    found = alarms.endpoint_alarm_names(settings)
    if settings.lease:
        found.append(names.alarm(settings.name, "lease"))
    if settings.monitor != "off":
        found.append(names.drift_alarm(settings.name))
    return cloudwatch.AlarmStatusWidget(
        title="Alarms",
        height=3,
        width=3 * _WIDTH,
        alarms=[cloudwatch.Alarm.from_alarm_arn(scope, name, arn("cloudwatch", f"alarm:{name}")) for name in found],
    )


def _endpoint(settings: Settings, endpoint_name: str) -> Iterable[cloudwatch.GraphWidget]:
    of = {"EndpointName": endpoint_name, "VariantName": hosting.VARIANT}

    def asked(name: str, statistic: str) -> cloudwatch.Metric:
        return _metric(alarms.INVOCATIONS, name, of, statistic)

    def used(name: str) -> cloudwatch.Metric:
        return _metric(alarms.INSTANCES, name, of, "Average")

    if settings.hosting == "async":
        yield _graph(
            "Requests in the queue",
            _metric(alarms.INVOCATIONS, "ApproximateBacklogSize", {"EndpointName": endpoint_name}, "Maximum"),
        )
    else:
        yield _graph("Requests", asked("Invocations", "Sum"))
    yield _graph(
        "Refused and failed requests", asked("Invocation4XXErrors", "Sum"), asked("Invocation5XXErrors", "Sum")
    )
    latency = [asked("ModelLatency", "Average"), asked("ModelLatency", "p99")]
    if settings.hosting != "async":
        latency.append(asked("OverheadLatency", "Average"))
    yield _graph("Latency, microseconds", *latency)
    if settings.hosting == "serverless":
        yield _graph("Memory, %", used("MemoryUtilization"))
        yield _graph("Cold starts, microseconds", asked("ModelSetupTime", "Maximum"))
        yield _graph("Concurrency in use, parts of 1", asked("ServerlessConcurrentExecutionsUtilization", "Maximum"))
    else:
        yield _graph("Instances: CPU, % of one processor", used("CPUUtilization"))
        yield _graph("Instances: memory, %", used("MemoryUtilization"))
        yield _graph("Instances: disk, %", used("DiskUtilization"))


def _training(job: str) -> Iterable[cloudwatch.GraphWidget]:
    """Yield the curves of the job."""

    def measured(*metrics: str) -> list[cloudwatch.Metric]:
        return [_metric(_TRAINING, name, {"TrainingJobName": job}, "Average") for name in metrics]

    host = {"Host": f"{job}/algo-1"}
    yield _graph("Training: accuracy", *measured("train:accuracy", "validation:accuracy", "test:accuracy"))
    yield _graph("Training: loss", *measured("train:loss", "validation:loss", "test:loss"))
    yield _graph(
        "Training: CPU (% of one processor) and memory (%)",
        *(_metric(_TRAINING, name, host, "Average") for name in ("CPUUtilization", "MemoryUtilization")),
    )


def _drift(settings: Settings, endpoint_name: str) -> Iterable[cloudwatch.GraphWidget]:
    of = {"Endpoint": endpoint_name, "MonitoringSchedule": names.drift_schedule(settings.name)}

    def found(name: str) -> cloudwatch.Metric:
        return _metric(names.METRICS, name, of, "Maximum")

    yield _graph("Drift: violations", found("violations"))
    yield _graph("Drift: images that were compared", found("images"))
    yield _graph("Drift: distances from the baseline", *(found(f"feature_baseline_drift_{each}") for each in _COMPARED))


def _metric(namespace: str, name: str, dimensions: dict[str, str], statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        dimensions_map=dimensions,
        label=f"{name} {statistic}" if statistic.startswith("p") else name,
        metric_name=name,
        namespace=namespace,
        period=Duration.minutes(1),
        statistic=statistic,
    )


def _graph(title: str, *metrics: cloudwatch.Metric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(height=_HEIGHT, left=[*metrics], title=title, width=_WIDTH)
