"""How an update reaches the endpoint: traffic shifting, and the alarms that roll it back.

Sources: SageMaker's guide, "Deployment guardrails", with "Auto-rollback configuration and monitoring" for the metrics'
dimensions, of which EndpointConfigName tells the new instances from the old, and for the action that the execution
role needs on the alarms.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.constructs.arns import arn
from infra.constructs.statements import Statement, allow
from infra.rollout import ALL_AT_ONCE, CANARY, Rollout
from teardown import names

_Endpoint = sagemaker.CfnEndpoint


@dataclass(frozen=True, kw_only=True)
class _Watched:
    """A metric of the new instances, and from where on its average over a minute rolls an update back."""

    of: str
    metric: str
    threshold: float
    description: str


_WATCHED = (
    _Watched(
        of="errors",
        metric="Invocation5XXErrors",
        threshold=0.1,
        description="More than one in ten requests to the new model failed: the update is rolled back. A photo that "
        "the model refuses counts too, for the container answers 500 to it",
    ),
    _Watched(
        of="latency",
        metric="ModelLatency",
        threshold=1_000_000,  # microseconds
        description="The new model takes more than a second for a request: the update is rolled back",
    ),
)


def alarm_names(lab: str, rollout: Rollout) -> list[str]:
    """Return the names of the alarms that roll an update back: none where nothing waits for them."""
    return [names.rollout_alarm(lab, each.of) for each in _WATCHED] if rollout.bakes else []


def read_alarms(rollout: Rollout) -> list[Statement]:
    """Allow to read alarms: all, for composite ones are hidden from, and may be refused to, who may read some.

    SageMaker asks as the execution role, and nobody says for which types. Source: CloudWatch's permissions reference.
    """
    return [allow(["cloudwatch:DescribeAlarms"], ["*"])] if rollout.bakes else []


def read_history(lab: str, rollout: Rollout) -> list[Statement]:
    """Allow to read when these alarms went off, and why."""
    found = [arn("cloudwatch", f"alarm:{name}") for name in alarm_names(lab, rollout)]
    return [allow(["cloudwatch:DescribeAlarmHistory"], found)] if found else []


class RolloutAlarms(Construct):
    """The alarms on the new instances of an endpoint's update; they cost, so they are made where they are looked at."""

    def __init__(
        self, scope: Construct, construct_id: str, *, lab: str, endpoint: str, config: str, variant: str
    ) -> None:
        super().__init__(scope, construct_id)
        for each in _WATCHED:
            metric = cloudwatch.Metric(
                namespace="AWS/SageMaker",
                metric_name=each.metric,
                dimensions_map={"EndpointName": endpoint, "VariantName": variant, "EndpointConfigName": config},
                period=Duration.minutes(1),
                statistic="Average",
            )
            cloudwatch.Alarm(
                self,
                each.of.capitalize(),
                alarm_description=each.description,
                alarm_name=names.rollout_alarm(lab, each.of),
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                evaluation_periods=1,
                metric=metric,
                threshold=each.threshold,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )


def deployment_config(lab: str, rollout: Rollout) -> _Endpoint.DeploymentConfigProperty | None:
    """Return how SageMaker is to update the endpoint; None where it is as SageMaker does by itself."""
    if not rollout.bakes:
        return None
    size = _Endpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=rollout.percent)
    sizes = {} if rollout.type == ALL_AT_ONCE else {_member(rollout): size}
    return _Endpoint.DeploymentConfigProperty(
        auto_rollback_configuration=_Endpoint.AutoRollbackConfigProperty(
            alarms=[_Endpoint.AlarmProperty(alarm_name=name) for name in alarm_names(lab, rollout)]
        ),
        blue_green_update_policy=_Endpoint.BlueGreenUpdatePolicyProperty(
            maximum_execution_timeout_in_seconds=rollout.limit,
            # The final bake, with all traffic on the new instances; the only one of an update all at once.
            termination_wait_in_seconds=rollout.wait,
            traffic_routing_configuration=_Endpoint.TrafficRoutingConfigProperty(
                type=rollout.type.upper().replace("-", "_"),
                wait_interval_in_seconds=0 if rollout.type == ALL_AT_ONCE else rollout.wait,
                **sizes,
            ),
        ),
    )


def _member(rollout: Rollout) -> str:
    return "canary_size" if rollout.type == CANARY else "linear_step_size"
