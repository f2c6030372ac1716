"""What goes wrong with a training job, each in a sentence for the person who deploys, with the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.exceptions import ClientError

_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_THROTTLING = {
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
}
# The list that Terraform's AWS provider waits on while a new role spreads through IAM.
_ROLE_NOT_READY = (
    "could not assume role",
    "access denied to outputdataconfig s3 bucket",
    "unauthorized to list objects under s3 url",
)


class TrainingJobError(Exception):
    """The message goes to the stack's events, and from there to the user's screen."""


def code(error: ClientError) -> str:
    """The error's AWS code, such as ValidationException."""
    return error.response["Error"]["Code"]


def is_throttling(error: ClientError) -> bool:
    """Whether AWS asks for patience only."""
    return code(error) in _THROTTLING


def is_not_found(error: ClientError) -> bool:
    """Whether there is no such job; SageMaker says so with either of two codes."""
    message = error.response["Error"]["Message"].lower()
    return code(error) == "ResourceNotFound" or (
        code(error) == "ValidationException" and "resource not found" in message
    )


def is_role_not_ready(error: ClientError) -> bool:
    """Whether a role made a moment ago is not known everywhere yet."""
    message = error.response["Error"]["Message"].lower()
    return code(error) == "ValidationException" and any(words in message for words in _ROLE_NOT_READY)


def refused(error: ClientError, *, instance_type: str) -> TrainingJobError:
    """Why SageMaker did not take the job at all."""
    said = f"{code(error)}: {error.response['Error']['Message']}"
    if code(error) == "ResourceLimitExceeded":
        return TrainingJobError(
            f"The account has no quota left for a training job on {instance_type} in this region ({said}): ask for "
            "more in Service Quotas, or choose another lab.training_instance_type, then deploy again."
        )
    if is_throttling(error):
        return TrainingJobError(f"AWS is throttling this account's calls ({said}): wait a minute, then deploy again.")
    return TrainingJobError(f"SageMaker did not take the training job ({said}).")


def failed(job: Mapping[str, Any], *, region: str) -> TrainingJobError:
    """Why a job ended without a model."""
    name, reason = job["TrainingJobName"], job.get("FailureReason") or "SageMaker gave no reason."
    instance_type = job.get("ResourceConfig", {}).get("InstanceType", "this instance type")
    if "CapacityError" in reason:
        return TrainingJobError(
            f"SageMaker has no {instance_type} free in this region just now, so training job {name} did not start "
            f"({reason}): deploy again later, or choose another lab.training_instance_type."
        )
    if job.get("SecondaryStatus") == "MaxRuntimeExceeded":
        limit = job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", "its")
        return TrainingJobError(
            f"Training job {name} was stopped after {limit} s, before it had a model: raise lab.max_run or lower "
            f"lab.epochs, then deploy again. {_log(name, region)}"
        )
    if job["TrainingJobStatus"] == "Stopped":
        return TrainingJobError(
            f"Training job {name} was stopped before it had a model: deploy again to train anew. {_log(name, region)}"
        )
    return TrainingJobError(f"Training job {name} failed: {reason} {_log(name, region)}")


def foreign(name: str, *, lab: str, owner: str | None) -> TrainingJobError:
    """A job has our name and is not ours."""
    tag = f"bears the tag bricklab:lab={owner}" if owner else "bears no tag bricklab:lab"
    return TrainingJobError(
        f"There is a training job {name} that the lab {lab} did not make: it {tag}. Delete it, then deploy again."
    )


def _log(name: str, region: str) -> str:
    """Where to read on; the console wants its parameters encoded twice, with $ for %."""
    group = quote(quote(_LOG_GROUP, safe=""), safe="").replace("%", "$")
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups/log-group/"
    shown = f"{console}{group}$3FlogStreamNameFilter$3D{name}"
    return f"Its log: aws logs tail {_LOG_GROUP} --log-stream-name-prefix {name}/ or {shown}"
