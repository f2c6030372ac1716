"""The events of pipeline executions and of their steps, as EventBridge's guide to SageMaker's events shows them.

Their members begin in lower case, and times are ISO 8601, without fractions; both name the pipeline and the execution
as resources. The schema registry's types of them have the same members. Not compared with AWS: that a member without a
value is left out, so the first event of each has no status before.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
STEP = "SageMaker Model Building Pipeline Execution Step Status Change"


def of_execution(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail of the event of an execution that has come into a state with these members."""
    return _told(
        {
            **_about(members),
            "pipelineExecutionDisplayName": members.get("PipelineExecutionDisplayName"),
            "pipelineExecutionDescription": members.get("PipelineExecutionDescription"),
            "currentPipelineExecutionStatus": members["PipelineExecutionStatus"],
            "previousPipelineExecutionStatus": members.get("PreviousStatus"),
            "executionStartTime": members["CreationTime"],
            "executionEndTime": members.get("ExecutionEndTime"),
        }
    )


def of_step(members: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the detail of the event of the step that has changed last, None if none has."""
    step = members["Steps"].get(members.get("ChangedStep"))
    if step is None:
        return None
    return _told(
        {
            **_about(members),
            "stepName": step["StepName"],
            "stepType": step["StepType"],
            "currentStepStatus": step["StepStatus"],
            "previousStepStatus": step.get("PreviousStatus") or None,
            "stepStartTime": step["StartTime"],
            "stepEndTime": step.get("EndTime"),
            "failureReason": step.get("FailureReason"),
            "cacheHitResult": step.get("CacheHitResult"),
            "metadata": step["Metadata"],
        }
    )


def _about(members: Mapping[str, Any]) -> dict[str, Any]:
    return {"pipelineArn": members["PipelineArn"], "pipelineExecutionArn": members["PipelineExecutionArn"]}


def _told(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _written(value) for name, value in detail.items() if value is not None}


def _written(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case dict():
            return {f"{name[:1].lower()}{name[1:]}": _written(each) for name, each in value.items()}
        case list():
            return [_written(each) for each in value]
    return value
