"""Processing jobs: their result is what lies at their outputs, where the next job of the resource puts its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infra.handlers.job.job_type import JobType
from infra.handlers.job.jobs import Jobs
from infra.handlers.job.request import marked_name

if TYPE_CHECKING:
    from infra.handlers.job.jobs import Job


_NEVER = datetime.min.replace(tzinfo=UTC)  # a job that has not ended


class ProcessingJobs(Jobs):
    """Attributes: ProcessingJobName, ExitMessage."""

    type = JobType(
        api_name="ProcessingJob",
        result="a result",
        again="to process anew",
        faster="raise lab.max_run",
        shorter="give it fewer images or choose a faster lab.training_instance_type",
    )

    def result(self, job: Job) -> dict[str, str] | None:
        """Return the attributes; only the last one to complete has them: what earlier ones left was written over."""
        if self.status(job) != "Completed":
            return None
        others = self.marked(marked_name(self.name(job)))
        later = (each for each in others if each.get("ProcessingEndTime", _NEVER) > job["ProcessingEndTime"])
        if any(self.status(each) == "Completed" for each in later):
            return None
        return {"ProcessingJobName": self.name(job), "ExitMessage": job.get("ExitMessage", "")}

    def instance_type(self, request: Job) -> str:
        """Return the one type of all instances of the job."""
        cluster = request.get("ProcessingResources", {}).get("ClusterConfig", {})
        return str(cluster.get("InstanceType", "this instance type"))
