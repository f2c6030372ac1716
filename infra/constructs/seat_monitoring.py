"""What a student may do with monitoring schedules, in a lab whose account has Model Monitor: under the seat's names.

A schedule's jobs run with the seat's own role, and may read and write what that may. SageMaker names the jobs, so the
logs of all accounts' monitoring jobs are what it may write to. Which actions have a schedule to name, and which the key
for instance types: the service authorization reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_iam as iam

from infra.constructs import processing, statements
from infra.constructs.arns import arn
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.monitor import JOBS
from infra.constructs.statements import allow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constructs import Construct

    from infra.constructs.statements import Statement


class SeatMonitoring(iam.CfnManagedPolicy):
    """A policy of its own, as that for pipelines is."""

    def __init__(
        self, scope: Construct, construct_id: str, *, own_names: str, role_name: str, instance_types: Sequence[str]
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Monitoring schedules, under the seat's names",
            policy_document=statements.as_json(_monitor(own_names, instance_types)),
            roles=[role_name],
        )
        acknowledge(
            self,
            {
                wildcard(f"…:monitoring-schedule/{own_names}"): "The schedules that a student made.",
                wildcard(f"…{processing.LOGS}:*"): "SageMaker shares the log group among an account's jobs.",
                wildcard(f"…{processing.LOGS}:log-stream:{JOBS}"): "SageMaker names the jobs of a schedule.",
                wildcard("*"): "Lists have no resource to name; they show names.",
            },
        )


def _monitor(own_names: str, instance_types: Sequence[str]) -> Iterator[Statement]:
    own = [arn("sagemaker", f"monitoring-schedule/{own_names}")]
    types: dict[str, Any] = {
        "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": [*instance_types]},
        "Null": {"sagemaker:InstanceTypes": "false"},
    }
    yield allow([f"sagemaker:{verb}MonitoringSchedule" for verb in ("Create", "Update")], own, types)
    yield allow(
        [f"sagemaker:{verb}MonitoringSchedule" for verb in ("Delete", "Describe", "Start", "Stop")],
        own,
    )
    yield allow(["sagemaker:ListMonitoringExecutions", "sagemaker:ListMonitoringSchedules"], ["*"])
    yield from statements.write_logs({processing.LOGS: JOBS})
