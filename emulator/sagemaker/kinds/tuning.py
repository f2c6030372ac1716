"""Hyperparameter tuning jobs.

`Amazon SageMaker can't find a tuning job` and its code: error matchers of aws/amazon-sagemaker-operator-for-k8s. Not
compared with AWS: the rest of that sentence, those of a taken name, of StopHyperParameterTuningJob and of
DeleteHyperParameterTuningJob, and that only an ended job can be deleted.
"""

from __future__ import annotations

from emulator.sagemaker.errors import IN_USE, NOT_FOUND
from emulator.sagemaker.kinds.kind import ENDED, Kind, job_rules

TRIALS = "ListTrainingJobsFor{}"

TUNING_JOB = Kind(
    name="HyperParameterTuningJob",
    arn_type="hyper-parameter-tuning-job",
    verbs=("Create", "Describe", "List", "Stop", "Delete", TRIALS),
    status="HyperParameterTuningJobStatus",
    first_status="InProgress",
    rules=job_rules("hyperparameter tuning job"),
    usage="training job",
    idle=ENDED,
    not_found_code=NOT_FOUND,
    not_found="Amazon SageMaker can't find a tuning job with the name {name}.",
    exists_code=IN_USE,
    exists="Hyperparameter tuning job names must be unique within an AWS account and region, "
    "and a hyperparameter tuning job with this name already exists ({arn})",
)
