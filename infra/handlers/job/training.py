"""Training jobs: their result is a model in S3, with the metrics that they printed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlparse

from infra.handlers.job.job_type import JobType
from infra.handlers.job.jobs import Jobs

if TYPE_CHECKING:
    from infra.handlers.job.jobs import Job

_UNKNOWN = "not reported"


class TrainingJobs(Jobs):
    """Attributes: TrainingJobName, ModelArtifact, TestAccuracy, TestLoss."""

    type = JobType(
        api_name="TrainingJob",
        result="a model",
        again="to train anew",
        faster="raise lab.max_run or lower lab.epochs",
        shorter="lower lab.epochs or choose a faster lab.training_instance_type",
    )

    def result(self, job: Job) -> dict[str, str] | None:
        """Return the attributes; a job that was stopped has them too, if it left a model."""
        uri = job.get("ModelArtifacts", {}).get("S3ModelArtifacts")
        if self.status(job) not in {"Completed", "Stopped"} or not uri:
            return None
        place = urlparse(uri)
        if not self.has_object(place.netloc, place.path.lstrip("/")):
            return None
        metrics = {metric["MetricName"]: str(metric["Value"]) for metric in job.get("FinalMetricDataList", [])}
        return {
            "TrainingJobName": self.name(job),
            "ModelArtifact": uri,
            "TestAccuracy": metrics.get("test:accuracy", _UNKNOWN),
            "TestLoss": metrics.get("test:loss", _UNKNOWN),
        }

    def named(self, request: Job, name: str) -> Job:
        """Return the request with a place of the job's own for its checkpoints.

        Of another job's, even of the attempt before this one, it would go on from what it was not asked to train.
        """
        place = f"{request['CheckpointConfig']['S3Uri']}/{name}/checkpoints"
        return {**super().named(request, name), "CheckpointConfig": {"S3Uri": place}}

    def instance_type(self, request: Job) -> str:
        """Return the one type of all instances of the job."""
        return str(request.get("ResourceConfig", {}).get("InstanceType", "this instance type"))
