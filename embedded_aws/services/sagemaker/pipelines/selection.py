"""Selective execution: some steps run, and what they need of others is an earlier execution's.

Sources: botocore's model of SelectiveExecutionConfig; the first sentence as users quote it (aws/sagemaker-python-sdk
#4444); that a step which is taken over is listed too: the SDK's integration tests. Not compared with AWS: the other
sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.pipelines.definition import Definition
    from embedded_aws.services.sagemaker.store import Record


def needed(definition: Definition, config: Mapping[str, Any]) -> list[str]:
    """Return the steps, not selected, of which those that are need something. Raises ValidationException."""
    selected = [each["StepName"] for each in config["SelectedSteps"]]
    for name in selected:
        if name not in definition.steps:
            raise validation_exception(f"The selected step {name} is not in the pipeline's definition.")
    chosen = set(selected)
    above = definition.above(chosen) - chosen
    if above and "SourcePipelineExecutionArn" not in config:
        raise validation_exception(
            f"Invalid SourcePipelineExecutionArn: null. The selected steps [{', '.join(selected)}] have dependencies "
            f"on [{', '.join(name for name in definition.steps if name in above)}]"
        )
    between = [name for name in definition.steps if name in above and definition.above({name}) & chosen]
    if between:
        raise validation_exception(
            f"The steps [{', '.join(between)}] are between selected steps and must be selected too."
        )
    return [name for name in definition.steps if name in above]


def taken_over(source: Record, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return what is kept of these steps in the execution that they are taken from. Raises ValidationException."""
    if source.status not in ("Failed", "Succeeded"):
        raise validation_exception(
            f"Invalid SourcePipelineExecutionArn: {source.arn}. Its status is {source.status}; it must be Failed or "
            "Succeeded."
        )
    states: dict[str, dict[str, Any]] = source.members["Steps"]
    lacking = [name for name in names if states.get(name, {}).get("StepStatus") != "Succeeded"]
    if lacking:
        raise validation_exception(
            f"Invalid SourcePipelineExecutionArn: {source.arn}. The steps [{', '.join(lacking)}] have not succeeded in "
            "it."
        )
    result = {"SelectiveExecutionResult": {"SourcePipelineExecutionArn": source.arn}}
    return {name: {**states[name], **result} for name in names}
