"""Retry policies: which failures of a step are tried again, how often and when.

Source: SageMaker's guide, "Retry Policy for Pipeline Steps": the types of exceptions, the members and their defaults;
either MaxAttempts or ExpireAfterMin; SERVICE_FAULT and THROTTLING are retried without a policy too. `Retry not
appropriate on execution of step with …` is AWS's, as users published ListPipelineExecutionSteps' answers. Not compared
with AWS: which of its own errors are the last two; how often those are tried without a policy; that AttemptCount counts
the first attempt as one; that a failure says so which no policy is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import LIMIT
from embedded_aws.services.sagemaker.pipelines.step_types import RESOURCE_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.services.sagemaker.errors import ServiceError
    from embedded_aws.services.sagemaker.pipelines.definition import Step

SERVICE_FAULT = "Step.SERVICE_FAULT"
THROTTLING = "Step.THROTTLING"
RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"
INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"
_TYPES = (SERVICE_FAULT, THROTTLING, RESOURCE_LIMIT, INTERNAL_ERROR, CAPACITY_ERROR)
_MEMBERS = ("ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin")
_MAX_ATTEMPTS = 5
_LIMITS: dict[str, tuple[int, float]] = {
    "IntervalSeconds": (1, float("inf")),
    "BackoffRate": (1, float("inf")),
    "MaxAttempts": (0, 20),
    "ExpireAfterMin": (1, float("inf")),
}
_AUTOMATIC = {"ExceptionType": [SERVICE_FAULT, THROTTLING]}


@dataclass(frozen=True)
class Failure:
    """Why a step's attempt failed: its type of exception, "" if it has none, and the reason."""

    exception: str
    reason: str


def problems(step: Step) -> Iterator[str]:
    """Yield what is wrong with a step's RetryPolicies."""
    policies = step.raw.get("RetryPolicies") or []
    if not isinstance(policies, list):
        yield "Expecting start of Json Array."
        return
    for policy in policies:
        if isinstance(policy, dict):
            yield from _policy_problems(policy, f"of a retry policy of the step {step.name}")
        else:
            yield "Expecting start of Json Object."


def _policy_problems(policy: Mapping[str, Any], whose: str) -> Iterator[str]:
    for name in policy:
        if name not in _MEMBERS:
            yield f"Cannot parse object, unknown property '{name}'."
    for kind in policy.get("ExceptionType") or [None]:
        if kind not in _TYPES:
            yield f"The ExceptionType '{kind}' {whose} is none. It is one of {', '.join(_TYPES)}."
    if "MaxAttempts" in policy and "ExpireAfterMin" in policy:
        yield f"MaxAttempts and ExpireAfterMin {whose} are both given. Give one of them."
    for name, (least, most) in _LIMITS.items():
        value = policy.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            yield f"{name} {whose} is {value}. It must be a number, at least {least}{_at_most(most)}."


def _at_most(most: float) -> str:
    return "" if most == float("inf") else f" and at most {most}"


def of_refusal(operation: str, error: ServiceError) -> Failure:
    """Return the failure of a step whose resource was refused."""
    if error.code == LIMIT:
        kind = RESOURCE_LIMIT
    elif "Throttling" in error.code:
        kind = THROTTLING
    else:
        kind = SERVICE_FAULT if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else ""
    return Failure(kind, f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error.message}")


def of_job(step: Step, reason: str) -> Failure:
    """Return the failure of a step whose job failed; users' logs have its reason behind `ClientError: `."""
    kind = ""
    if reason.startswith("InternalServerError") and not RESOURCE_STEPS[step.type].retries_internally:
        kind = INTERNAL_ERROR
    elif reason.startswith("CapacityError"):
        kind = CAPACITY_ERROR
    return Failure(kind, f"ClientError: {reason}")


def delay(step: Step, failure: Failure, attempts: int, seconds: float) -> float | None:
    """Return after how many seconds a step is tried again that has failed so often, in so long a time; None if not."""
    policy = _policy(step, failure)
    if policy is None:
        return None
    if "ExpireAfterMin" in policy:
        if seconds >= policy["ExpireAfterMin"] * 60:
            return None
    elif attempts > policy.get("MaxAttempts", _MAX_ATTEMPTS):
        return None
    return float(policy.get("IntervalSeconds", 1) * policy.get("BackoffRate", 2.0) ** (attempts - 1))


def final_reason(step: Step, failure: Failure, execution_arn: str) -> str:
    """Return the FailureReason of a step that is not tried again."""
    if not failure.exception or _policy(step, failure) is not None:
        return failure.reason
    kind = failure.exception.replace(".", "_").upper()
    return (
        f"{failure.reason}\nRetry not appropriate on execution of step with PipelineExecutionArn "
        f"{execution_arn.lower()} and StepId {step.name}. No retry policy configured for the exception type {kind}."
    )


def _policy(step: Step, failure: Failure) -> Mapping[str, Any] | None:
    policies: list[Mapping[str, Any]] = [*(step.raw.get("RetryPolicies") or ()), _AUTOMATIC]
    return next((each for each in policies if failure.exception in each["ExceptionType"]), None)
