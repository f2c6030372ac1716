"""The lab's monitoring schedule, its runs, and what they have found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from cli.aws.session import Session

_PICTURE, _REPORT = "drift.png", "report.json"


@dataclass(frozen=True)
class Run:
    """One run: when it was due, how it ended, and where its files are, "" if it has none."""

    due: datetime
    status: str
    reason: str
    place: str

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "due": self.due.isoformat(),
            "status": self.status,
            "reason": self.reason or None,
            "files": self.place or None,
        }


class Drift:
    """What the lab's monitor has done."""

    def __init__(self, session: Session, lab: str) -> None:
        self._sagemaker, self._s3 = session.client("sagemaker"), session.client("s3")
        self._name = names.drift_schedule(lab)

    def schedule(self) -> str | None:
        """Return the schedule's status, None where there is no schedule."""
        found = self._sagemaker.list_monitoring_schedules(NameContains=self._name)["MonitoringScheduleSummaries"]
        return next(
            (each["MonitoringScheduleStatus"] for each in found if each["MonitoringScheduleName"] == self._name), None
        )

    def summary(self) -> dict[str, str | None] | None:
        """Return the schedule's status and the last run's; None where there is no schedule."""
        status = self.schedule()
        if status is None:
            return None
        last = next(iter(self.runs(1)), None)
        return {"schedule": status, "last_run": last.status if last else None}

    def runs(self, most: int) -> list[Run]:
        """Return the latest runs, the last one first."""
        answer = self._sagemaker.list_monitoring_executions(
            MonitoringScheduleName=self._name, SortBy="ScheduledTime", SortOrder="Descending", MaxResults=most
        )
        return [*self._runs(answer["MonitoringExecutionSummaries"])]

    def latest_report(self, runs: Sequence[Run]) -> tuple[Run, dict[str, Any]] | None:
        """Return the latest of the runs that has left a report, and that; None where none has."""
        return next(((run, report) for run in runs if run.place and (report := self.report(run))), None)

    def report(self, run: Run) -> dict[str, Any] | None:
        """Return what a run has found, None if it has left nothing."""
        content = self._read(run, _REPORT)
        return json.loads(content) if content else None

    def picture_of(self, run: Run) -> bytes:
        """Return a run's picture, a PNG; empty if it has none."""
        return self._read(run, _PICTURE)

    def picture(self, run: Run, file: Path) -> bool:
        """Bring a run's picture into a file; return whether it has one."""
        content = self.picture_of(run)
        if content:
            file.write_bytes(content)
        return bool(content)

    def _runs(self, summaries: list[dict[str, Any]]) -> Iterator[Run]:
        for each in summaries:
            place = ""
            if arn := each.get("ProcessingJobArn"):
                job = self._sagemaker.describe_processing_job(ProcessingJobName=arn.rpartition("/")[2])
                place = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
            yield Run(each["ScheduledTime"], each["MonitoringExecutionStatus"], each.get("FailureReason", ""), place)

    def _read(self, run: Run, name: str) -> bytes:
        bucket, _, prefix = run.place.removeprefix("s3://").partition("/")
        try:
            return bytes(self._s3.get_object(Bucket=bucket, Key=f"{prefix}/{name}")["Body"].read()) if bucket else b""
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return b""
            raise


def job_names(sagemaker: Any, lab: str) -> list[str]:
    """Return the names of the monitor's processing jobs, which SageMaker has named."""
    pages = sagemaker.get_paginator("list_monitoring_executions").paginate(
        MonitoringScheduleName=names.drift_schedule(lab)
    )
    found = [each for page in pages for each in page["MonitoringExecutionSummaries"]]
    return [each["ProcessingJobArn"].rpartition("/")[2] for each in found if "ProcessingJobArn" in each]
