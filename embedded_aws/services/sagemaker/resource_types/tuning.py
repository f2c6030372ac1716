"""Hyperparameter tuning jobs.

`Amazon SageMaker can't find a tuning job` and its code: error matchers of aws/amazon-sagemaker-operator-for-k8s. Not
compared with AWS: the rest of that sentence; those of a taken name, of StopHyperParameterTuningJob and of
DeleteHyperParameterTuningJob; that only an ended job can be deleted. What Describe fills in: answers of
DescribeHyperParameterTuningJob that users published, and the SageMaker SDK, which counts on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import IN_USE, NOT_FOUND
from embedded_aws.services.sagemaker.resource_types.members import DONE, RECORDED, REFUSED, TAGS, Members, done, only
from embedded_aws.services.sagemaker.resource_types.resource_type import (
    ENDED,
    NestedDefaults,
    ResourceType,
    job_preconditions,
)
from embedded_aws.services.sagemaker.resource_types.training import ALGORITHM, COMMON, RESOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

LIST_TRAINING_JOBS = "ListTrainingJobsFor{}"

_NUMBERS: Members = {"Name": DONE, "MinValue": DONE, "MaxValue": DONE, "ScalingType": DONE}
_CONFIG: Members = {
    "Strategy": DONE,
    "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": DONE, "MaxResource": DONE}},
    "HyperParameterTuningJobObjective": {"Type": DONE, "MetricName": DONE},
    "ResourceLimits": {"MaxNumberOfTrainingJobs": DONE, "MaxParallelTrainingJobs": DONE, "MaxRuntimeInSeconds": DONE},
    "ParameterRanges": {
        "IntegerParameterRanges": _NUMBERS,
        "ContinuousParameterRanges": _NUMBERS,
        "CategoricalParameterRanges": {"Name": DONE, "Values": DONE},
        "AutoParameters": REFUSED,
    },
    "TrainingJobEarlyStoppingType": DONE,
    "TuningJobCompletionCriteria": {
        "TargetObjectiveMetricValue": DONE,
        "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": DONE},
        "ConvergenceDetected": {"CompleteOnConvergence": only("Disabled")},
    },
    "RandomSeed": DONE,
}
_ALGORITHM = ("TrainingImage", "TrainingInputMode", "AlgorithmName", "MetricDefinitions")
_DEFINITION: Members = {
    **COMMON,
    "ResourceConfig": {**RESOURCES, "KeepAlivePeriodInSeconds": REFUSED},
    "DefinitionName": RECORDED,
    "TuningObjective": REFUSED,
    "HyperParameterRanges": REFUSED,
    "StaticHyperParameters": DONE,
    "AlgorithmSpecification": {name: ALGORITHM[name] for name in _ALGORITHM},
    "HyperParameterTuningResourceConfig": {
        "InstanceType": RESOURCES["InstanceType"],
        "InstanceCount": DONE,
        "VolumeSizeInGB": RECORDED,
        "VolumeKmsKeyId": RECORDED,
        "AllocationStrategy": RECORDED,
        "InstanceConfigs": {
            "InstanceType": done("the first one's, which is always to be had"),
            "InstanceCount": DONE,
            "VolumeSizeInGB": RECORDED,
        },
    },
}

STATUS_COUNTERS = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
OBJECTIVE_COUNTERS = ("Succeeded", "Pending", "Failed")

TUNING_JOB = ResourceType(
    name="HyperParameterTuningJob",
    arn_type="hyper-parameter-tuning-job",
    members={
        "Create": {
            "HyperParameterTuningJobName": DONE,
            "HyperParameterTuningJobConfig": _CONFIG,
            "TrainingJobDefinition": _DEFINITION,
            "TrainingJobDefinitions": REFUSED,
            "WarmStartConfig": {
                "ParentHyperParameterTuningJobs": {"HyperParameterTuningJobName": DONE},
                "WarmStartType": DONE,
            },
            "Tags": TAGS,
            "Autotune": REFUSED,
        }
    },
    verbs=("Create", "Describe", "List", "Stop", "Delete", LIST_TRAINING_JOBS),
    status="HyperParameterTuningJobStatus",
    first_status="InProgress",
    preconditions=job_preconditions("hyperparameter tuning job"),
    quota_usage="training job",
    idle_statuses=ENDED,
    defaults={
        "TrainingJobStatusCounters": dict.fromkeys(STATUS_COUNTERS, 0),
        "ObjectiveStatusCounters": dict.fromkeys(OBJECTIVE_COUNTERS, 0),
        "TrainingJobDefinition": NestedDefaults({"InputDataConfig": NestedDefaults({"CompressionType": "None"})}),
    },
    not_found_code=NOT_FOUND,
    not_found="Amazon SageMaker can't find a tuning job with the name {name}.",
    exists_code=IN_USE,
    exists="Hyperparameter tuning job names must be unique within an AWS account and region, "
    "and a hyperparameter tuning job with this name already exists ({arn})",
)


def training_resources(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ResourceConfig of a training job, or the one that a tuning job's definition makes for each of its.

    Of several InstanceConfigs the first is taken: they stand in the order of preference, and all are to be had here.
    """
    flexible = members.get("HyperParameterTuningResourceConfig")
    if not flexible:
        return dict(members.get("ResourceConfig", {}))
    chosen = {**flexible, **next(iter(flexible.get("InstanceConfigs", ())), {})}
    return {name: value for name, value in chosen.items() if name not in ("InstanceConfigs", "AllocationStrategy")}
