"""Training jobs: their result is a model in S3, with the metrics that they printed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlparse

from infra.handlers.job.job_type import JobType
from infra.handlers.job.jobs import Jobs
from infra.handlers.served_model.artifact import NoReceiptError, model_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.handlers.job.jobs import Job

_UNKNOWN = "not reported"
_PROGRAM = "sagemaker_program"  # the hyperparameter of script mode that names the script
# What a job says of the test images, by whoever trains: train.py, k-NN; the linear learner; XGBoost, to whose
# `validation` they are; k-means.
_ACCURACIES = ("test:accuracy", "test:multiclass_accuracy")
_ERROR = "validation:merror"
_LOSSES = ("test:loss", "test:objective_loss", "validation:mlogloss")
_DISTANCE = "test:msd"
_DIGITS = 6  # of a share of images, so that 1 less an error is no 0.9669999


class TrainingJobs(Jobs):
    """Attributes: TrainingJobName, ModelArtifact, TestAccuracy, TestLoss, TestMeanSquaredDistance, Model.

    Model is the hash that the answers of what a script of ours has trained bear.
    """

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
        metrics = {metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])}
        if _ERROR in metrics:
            metrics["test:accuracy"] = round(1 - metrics[_ERROR], _DIGITS)
        return {
            "TrainingJobName": self.name(job),
            "ModelArtifact": uri,
            "TestAccuracy": _first(metrics, _ACCURACIES),
            "TestLoss": _first(metrics, _LOSSES),
            "TestMeanSquaredDistance": _first(metrics, [_DISTANCE]),
        }

    def details(self, job: Job) -> dict[str, str]:
        """Return the hash that answers bear; an algorithm of AWS's leaves no receipt, and its answers bear none."""
        if _PROGRAM not in job.get("HyperParameters", {}):
            return {"Model": _UNKNOWN}
        try:
            return {"Model": model_of(self._s3, job["ModelArtifacts"]["S3ModelArtifacts"])}
        except NoReceiptError:
            return {"Model": _UNKNOWN}

    def named(self, request: Job, name: str) -> Job:
        """Return the request with a place of the job's own for its checkpoints, if it keeps any.

        Of another job's, even of the attempt before this one, it would go on from what it was not asked to train.
        """
        if "CheckpointConfig" not in request:
            return super().named(request, name)
        place = f"{request['CheckpointConfig']['S3Uri']}/{name}/checkpoints"
        return {**super().named(request, name), "CheckpointConfig": {"S3Uri": place}}

    def instance_type(self, request: Job) -> str:
        """Return the one type of all instances of the job."""
        return str(request.get("ResourceConfig", {}).get("InstanceType", "this instance type"))


def _first(metrics: Mapping[str, float], names: Iterable[str]) -> str:
    """Return the first of these metrics that there is, as an attribute."""
    return next((str(metrics[name]) for name in names if name in metrics), _UNKNOWN)
