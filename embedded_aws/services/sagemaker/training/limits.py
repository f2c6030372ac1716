"""How long a training job may take: StoppingCondition.

The sentences are AWS's, as users quote them (Kenza-AI/sagify#111; notes of users of the SageMaker SDK).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_RUNTIME_SECONDS = 86_400  # StoppingCondition's default


def max_runtime(request: Mapping[str, Any]) -> int:
    """The seconds that a job may train, all its tries together."""
    return int(request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _MAX_RUNTIME_SECONDS))


def max_wait(request: Mapping[str, Any]) -> int | None:
    """The seconds within which a spot job has to be done, waits for instances included."""
    seconds = request.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds")
    return None if seconds is None else int(seconds)


def check(request: Mapping[str, Any]) -> None:
    """Raise AWS's ValidationException for limits that don't fit."""
    wait = max_wait(request)
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < max_runtime(request):
            raise validation_exception(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
            )
    elif wait is not None:
        raise validation_exception(
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
        )
