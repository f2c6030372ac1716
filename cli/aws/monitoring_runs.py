"""The last runs of the lab's monitoring schedules, as SageMaker Model Monitor lists them.

CompletedWithViolations is the status of a run that found some: MonitoringExecutionSummary in botocore's model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teardown.scope import Scope

if TYPE_CHECKING:
    from datetime import datetime

    from cli.aws.session import Session

_NEWEST = 50


@dataclass(frozen=True)
class MonitoringRun:
    """One run: whose schedule, on which endpoint, how it ended, and why if it failed or found something."""

    schedule: str
    endpoint: str
    scheduled: datetime
    status: str
    failure: str

    @property
    def drifted(self) -> bool:
        """Return whether it found that something has moved."""
        return self.status == "CompletedWithViolations"


def read(session: Session, lab: str) -> list[MonitoringRun]:
    """List the newest runs of schedules whose names are the lab's, newest first."""
    listed = session.client("sagemaker").list_monitoring_executions(
        SortBy="ScheduledTime", SortOrder="Descending", MaxResults=_NEWEST
    )["MonitoringExecutionSummaries"]
    return [
        MonitoringRun(
            each["MonitoringScheduleName"],
            each.get("EndpointName", ""),
            each["ScheduledTime"],
            each["MonitoringExecutionStatus"],
            each.get("FailureReason", ""),
        )
        for each in listed
        if Scope(lab=lab).names(each["MonitoringScheduleName"])
    ]
