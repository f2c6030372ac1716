"""Training jobs.

Wording of the errors, and who quotes it: `Requested resource not found` (terraform-provider-aws, moto); `The request
was rejected because the training job is in status …` (error matchers of several clients). Which jobs can be deleted:
botocore's model. Not compared with AWS: the sentence of DeleteTrainingJob.
"""

from __future__ import annotations

from emulator.sagemaker.errors import IN_USE
from emulator.sagemaker.kinds.kind import ENDED, Kind, job_rules

TRAINING_JOB = Kind(
    name="TrainingJob",
    arn_type="training-job",
    verbs=("Create", "Describe", "List", "Stop", "Delete"),
    status="TrainingJobStatus",
    first_status="InProgress",
    rules=job_rules("training job"),
    defaults={
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
    },
    usage="training job",
    idle=ENDED,
    not_found="Requested resource not found.",
    exists_code=IN_USE,
    exists="Training job names must be unique within an AWS account and region, "
    "and a training job with this name already exists ({arn})",
    sort_order="Ascending",
)
