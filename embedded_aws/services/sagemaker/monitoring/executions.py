"""Executions of monitoring schedules: each a processing job, whose end is told as the execution's.

An execution is CompletedWithViolations if its container's message, the job's ExitMessage, begins with that: so AWS's
sample of a container of one's own tells its "overall status" (aws-samples, Detecting data drift with a monitor of one's
own), beside the file constraint_violations.json. What was due while no embedded AWS ran is not made up for.
Not compared with AWS: that files in /opt/ml/output/metrics/cloudwatch become metrics there, and here not; the sentences
about an endpoint that is gone or captures nothing.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.failure import INSTANCE_LOST
from embedded_aws.services.sagemaker.monitoring import request as processing
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.resource_types.monitoring import LAST_EXECUTION, MONITORING_EXECUTION
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED
from embedded_aws.services.sagemaker.roles import role_of
from embedded_aws.services.sagemaker.store import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.monitoring.timing import Window
    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext, Work

log = logging.getLogger(__name__)

_VIOLATIONS = "CompletedWithViolations"
_LASTING = (*ENDED, _VIOLATIONS)
_POLL_SECONDS = 0.5
_SUMMARY = (
    "MonitoringScheduleName",
    "ScheduledTime",
    "CreationTime",
    "LastModifiedTime",
    "MonitoringExecutionStatus",
    "ProcessingJobArn",
    "EndpointName",
    "FailureReason",
    "MonitoringType",
)


class MonitoringExecutions(Provider):
    """The provider of executions, which nobody creates by themselves."""

    def restore(self, record: Record) -> Work | None:
        """Tell the end of the job of an execution, which is lost if it has not ended."""
        if record.status not in _LASTING:
            job = _job_of(self.context, record)
            lost = {"MonitoringExecutionStatus": "Failed", "FailureReason": INSTANCE_LOST}
            self.context.store.update(record, **(_end_of(job) if job and job.status in ENDED else lost))
        return None


class Execution:
    """One execution of a schedule, on a thread of its own."""

    def __init__(self, context: ServiceContext, service: ControlPlane, schedule: Record, window: Window) -> None:
        """Make its record."""
        self._context, self._service, self._schedule, self._window = context, service, schedule, window
        now = context.clock.now()
        name = f"{schedule.name}/{window.due:%Y%m%d%H%M%S}-{int(now.timestamp() * 1000)}"
        scope: dict[str, Any] = {"account": schedule.account, "region": schedule.region}
        self._scope = scope
        members = {
            "MonitoringScheduleName": schedule.name,
            "ScheduledTime": window.due,
            "CreationTime": now,
            "LastModifiedTime": now,
            "MonitoringExecutionStatus": "Pending",
            "EndpointName": schedule.members["EndpointName"],
            "MonitoringType": schedule.members["MonitoringType"],
        }
        self._record = Record(
            MONITORING_EXECUTION, name, MONITORING_EXECUTION.arn(name, **scope), members=members, **scope
        )

    def begin(self) -> None:
        """Let it run."""
        self._context.store.add(self._record)
        self._context.store.confirm(self._record)
        threading.Thread(target=self._run, name=f"monitoring {self._record.name}", daemon=True).start()

    def _run(self) -> None:
        try:
            job = self._start()
        except ServiceError as error:
            self._update(MonitoringExecutionStatus="Failed", FailureReason=f"ClientError: {error.message}")
        except (ClientError, BotoCoreError) as error:
            self._update(MonitoringExecutionStatus="Failed", FailureReason=f"ClientError: {error}")
        except Exception:
            log.exception("%s", self._record.arn)
            self._update(MonitoringExecutionStatus="Failed", FailureReason=INSTANCE_LOST)
        else:
            if job:
                self._follow(job)

    def _start(self) -> Record | None:
        """Start the job; None if there is nothing to look at."""
        definition = self._schedule.members["MonitoringScheduleConfig"]["MonitoringJobDefinition"]
        name = self._schedule.members["EndpointName"]
        endpoint = self._service.call("DescribeEndpoint", {"EndpointName": name}, **self._scope)
        capture = endpoint.get("DataCaptureConfig", {})
        if not capture.get("EnableCapture"):
            self._update(
                MonitoringExecutionStatus="Failed",
                FailureReason=f"ClientError: The endpoint {name} has no DataCaptureConfig that is enabled.",
            )
            return None
        destination = capture["DestinationS3Uri"].rstrip("/")
        role = role_of(self._schedule, definition["RoleArn"], endpoint_url=self._context.endpoint_url)
        variants = [each["VariantName"] for each in endpoint["ProductionVariants"]]
        captured = processing.captured_folders(
            role.client("s3"), destination, endpoint=name, variants=variants, window=self._window
        )
        if not captured:
            self._update(MonitoringExecutionStatus="Failed", FailureReason=processing.NO_DATA)
            return None
        request = processing.make(self._schedule.name, definition, self._window, captured, destination)
        of_schedule = {"MonitoringScheduleArn": self._schedule.arn}
        made = self._service.call("CreateProcessingJob", request, system_members=of_schedule, **self._scope)
        self._update(MonitoringExecutionStatus="InProgress", ProcessingJobArn=made["ProcessingJobArn"])
        return self._context.store.get("ProcessingJob", request["ProcessingJobName"], **self._scope)

    def _follow(self, job: Record) -> None:
        """Tell each status of the job, to its end."""
        while job.status not in ENDED and self._context.store.alive(job):
            if job.status == "Stopping" != self._record.status:
                self._update(MonitoringExecutionStatus="Stopping")
            if not self._context.clock.sleep(_POLL_SECONDS):
                return
        self._update(**_end_of(job))

    def _update(self, **members: Any) -> None:
        """Change the execution, and what the schedule tells of its last one."""
        self._context.store.update(self._record, **members)
        summary = {name: self._record.members[name] for name in _SUMMARY if name in self._record.members}
        if self._context.store.alive(self._schedule):
            changed = self._schedule.members["LastModifiedTime"]
            self._context.store.update(self._schedule, LastModifiedTime=changed, **{LAST_EXECUTION: summary})


def _job_of(context: ServiceContext, record: Record) -> Record | None:
    name = record.members.get("ProcessingJobArn", "").rpartition("/")[2]
    return context.store.find("ProcessingJob", name, account=record.account, region=record.region)


def _end_of(job: Record) -> Mapping[str, Any]:
    """Return what an execution tells of its job's end."""
    violated = job.members.get("ExitMessage", "").startswith(_VIOLATIONS)
    status = _VIOLATIONS if violated and job.status == "Completed" else job.status
    return {"MonitoringExecutionStatus": status, "FailureReason": job.members.get("FailureReason")}
