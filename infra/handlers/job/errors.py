"""Errors of jobs, each in a sentence for the person who deploys, with the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from teardown.names import LAB_TAG
from teardown.refusals import THROTTLING_CODES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.exceptions import ClientError

    from infra.handlers.job.job_type import JobType

_SETTING = "lab.training_instance_type"
_OVER_ALL_TYPES = "'Number of instances across"
# What Terraform's AWS provider waits on while a new role spreads through IAM (training_job.go), but for hubs' content.
_ROLE_NOT_READY = (
    "could not assume role",
    "access denied to outputdataconfig s3 bucket",
    "unauthorized to list objects under s3 url",
    "no identity-based policy allows the s3:listbucket action",
    "access denied for repository",
)


class JobError(Exception):
    """The message goes to the stack's events, and from there to the user's screen."""


def code(error: ClientError) -> str:
    """Return the error's AWS code, such as ValidationException."""
    return error.response["Error"]["Code"]


def is_not_found(error: ClientError) -> bool:
    """Return whether there is no such job; SageMaker says so with either of two codes, for each type in other words."""
    message = error.response["Error"]["Message"].lower()
    return code(error) == "ResourceNotFound" or (
        code(error) == "ValidationException" and ("resource not found" in message or "could not find" in message)
    )


def is_role_not_ready(error: ClientError) -> bool:
    """Return whether a role made a moment ago is not known everywhere yet."""
    message = error.response["Error"]["Message"].lower()
    return code(error) == "ValidationException" and any(words in message for words in _ROLE_NOT_READY)


def refused(error: ClientError, kind: JobType, *, instance_type: str) -> JobError:
    """Return why SageMaker did not take the job at all."""
    said = f"{code(error)}: {error.response['Error']['Message']}"
    if code(error) == "ResourceLimitExceeded":
        # One that counts over all types is met by whatever type.
        instead = "" if _OVER_ALL_TYPES in said else f", or choose another {_SETTING}"
        return JobError(
            f"The account has no quota left for a {kind} on {instance_type} in this region ({said}): ask for "
            f"more in Service Quotas{instead}, then deploy again."
        )
    if code(error) in THROTTLING_CODES:
        return JobError(f"AWS is throttling this account's calls ({said}): wait a minute, then deploy again.")
    return JobError(f"SageMaker did not take the {kind} ({said}).")


def failed(job: Mapping[str, Any], kind: JobType, *, instance_type: str, region: str) -> JobError:
    """Return why a job ended without what it was to make."""
    name = job[kind.member("Name")]
    # A processing job's own sentence; its FailureReason tells the exit code only.
    reason = job.get("ExitMessage") or job.get("FailureReason") or "SageMaker gave no reason."
    called = f"{str(kind).capitalize()} {name}"
    if "CapacityError" in reason:
        return JobError(
            f"SageMaker has no {instance_type} free in this region just now, so {kind} {name} did not start "
            f"({reason}): deploy again later, or choose another {_SETTING}."
        )
    if job.get("SecondaryStatus") == "MaxWaitTimeExceeded":
        limit = job.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds", "its")
        return JobError(
            f"{called} was ended after {limit} s of waiting for spot instances and running, before it had "
            f"{kind.result}: deploy again later, or without lab.spot. {_log(name, kind, region)}"
        )
    if job.get("SecondaryStatus") == "MaxRuntimeExceeded":
        limit = job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", "its")
        return JobError(
            f"{called} was stopped after {limit} s, before it had {kind.result}: {kind.faster}, then deploy again. "
            f"{_log(name, kind, region)}"
        )
    if job[kind.member("Status")] == "Stopped":
        return JobError(
            f"{called} was stopped before it had {kind.result}: deploy again {kind.again}. {_log(name, kind, region)}"
        )
    return JobError(f"{called} failed: {reason} {_log(name, kind, region)}")


def too_late(
    job: Mapping[str, Any], kind: JobType, *, seconds: int, state: str, instance_type: str, region: str
) -> JobError:
    """Return why a job was stopped before CloudFormation's hour was over; `state` as `Jobs.last_state` tells it."""
    name = job[kind.member("Name")]
    stopped = f"{str(kind).capitalize()} {name} was stopped {seconds} s after its creation"
    if not state:
        return JobError(
            f"{stopped}, for a deployment can't wait longer, and SageMaker had still no {instance_type} for it: deploy "
            f"again later, or choose another {_SETTING}."
        )
    return JobError(
        f"{stopped}, for a deployment can't wait longer, before it had {kind.result}; its last state was {state}: "
        f"{kind.shorter}, then deploy again. {_log(name, kind, region)}"
    )


def lingering(names: list[str], kind: JobType, *, seconds: int) -> JobError:
    """Return why a stack can't be deleted yet."""
    return JobError(
        f"SageMaker has not ended what it was asked to stop {seconds} s ago ({kind} {', '.join(names)}): delete the "
        "stack again when it has."
    )


def gone(name: str, kind: JobType) -> JobError:
    """Return that there is no job to wait for, nor may there be one any more."""
    return JobError(
        f"There is no {kind} {name}: SageMaker did not take it in time, or somebody has deleted it. Deploy again."
    )


def foreign(name: str, kind: JobType, *, lab: str, owner: str | None) -> JobError:
    """Return that a job has our name and is not ours."""
    tag = f"bears the tag {LAB_TAG}={owner}" if owner else f"bears no tag {LAB_TAG}"
    return JobError(
        f"There is a {kind} {name} that the lab {lab} did not make: it {tag}. Delete it, then deploy again."
    )


def _log(name: str, kind: JobType, region: str) -> str:
    """Return where to read on; the console wants its parameters encoded twice, with $ for %."""
    group = quote(quote(kind.log_group, safe=""), safe="").replace("%", "$")
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups/log-group/"
    shown = f"{console}{group}$3FlogStreamNameFilter$3D{name}"
    return f"Its log: aws logs tail {kind.log_group} --log-stream-name-prefix {name}/ or {shown}"
