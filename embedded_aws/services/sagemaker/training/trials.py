"""Trials: the training jobs of a tuning job, and what their records hold beyond DescribeTrainingJob's answer.

Their names are AWS's: `<tuning job>-001-0e830ada`. Not compared with AWS: that each trial has a folder of its own below
the CheckpointConfig's S3Uri; without it one would go on from another's checkpoint.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.store import Record

OBJECTIVE = "_tuning_objective_metric"  # the hyperparameter by which a training job knows that it is tuned
OBJECTIVE_VALUES = "ObjectiveValues"
OBJECTIVE_VALUE = "FinalObjectiveMetricValue"
_OF_DEFINITION_ONLY = {
    "DefinitionName",
    "HyperParameterTuningResourceConfig",
    "TuningObjective",
    "HyperParameterRanges",
    "StaticHyperParameters",
}


def name(tuning_job: str, number: int) -> str:
    """A name for the trial of that number, from 1 on."""
    return f"{tuning_job}-{number:03d}-{secrets.token_hex(4)}"


def request(
    job: str, definition: Mapping[str, Any], values: Mapping[str, str], *, objective: str, tags: list[dict[str, str]]
) -> dict[str, Any]:
    """CreateTrainingJob's request for a trial with these values."""
    static = definition.get("StaticHyperParameters", {})
    made = {
        **{member: value for member, value in definition.items() if member not in _OF_DEFINITION_ONLY},
        "TrainingJobName": job,
        "ResourceConfig": resources(definition),
        "HyperParameters": {**static, **values, OBJECTIVE: objective},
        **({"Tags": tags} if tags else {}),
    }
    if "CheckpointConfig" in made:
        given = made["CheckpointConfig"]
        made["CheckpointConfig"] = {**given, "S3Uri": f"{given['S3Uri'].rstrip('/')}/{job}"}
    return made


def resources(members: Mapping[str, Any]) -> dict[str, Any]:
    """The ResourceConfig of a training job, or the one that a tuning job's definition makes for each of its trials.

    Of several InstanceConfigs the first is taken: they stand in the order of preference, and all are to be had here.
    """
    flexible = members.get("HyperParameterTuningResourceConfig")
    if not flexible:
        return dict(members.get("ResourceConfig", {}))
    chosen = {**flexible, **next(iter(flexible.get("InstanceConfigs", ())), {})}
    return {name: value for name, value in chosen.items() if name not in ("InstanceConfigs", "AllocationStrategy")}


def of(tuning_job: Record, records: list[Record]) -> list[Record]:
    """Those of the training jobs that are its trials."""
    return [record for record in records if record.members.get("TuningJobArn") == tuning_job.arn]


def objective(record: Record) -> tuple[float, ...]:
    """All values that the trial's objective has had."""
    return tuple(record.members.get(OBJECTIVE_VALUES, ()))


def result(record: Record) -> float | None:
    """The objective by which an ended trial is judged; None if it failed or never told one."""
    values = objective(record)
    return values[-1] if values and record.status in ("Completed", "Stopped") else None


def judgement(record: Record, metric: Mapping[str, str]) -> dict[str, Any]:
    """The members of its summary that say how the trial's objective stands."""
    values, status = objective(record), "Pending"
    if record.status in ENDED:
        status = "Failed" if result(record) is None else "Succeeded"
    members: dict[str, Any] = {"ObjectiveStatus": status}
    if values:
        members["FinalHyperParameterTuningJobObjectiveMetric"] = {**metric, "Value": values[-1]}
        members[OBJECTIVE_VALUE] = values[-1]
    return members
