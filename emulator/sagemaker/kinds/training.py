"""Training jobs.

Wording of the errors, and who quotes it: `Requested resource not found` (terraform-provider-aws, moto); `The request
was rejected because the training job is in status …` (error matchers of several clients). Which jobs can be deleted:
botocore's model. Not compared with AWS: the sentence of DeleteTrainingJob.
"""

from __future__ import annotations

from emulator.sagemaker.errors import IN_USE
from emulator.sagemaker.kinds.kind import Kind, Rule

TRAINING_JOB = Kind(
    name="TrainingJob",
    arn_type="training-job",
    verbs=("Create", "Describe", "List", "Stop", "Delete"),
    status="TrainingJobStatus",
    first_status="InProgress",
    rules={
        "Stop": Rule(
            ("InProgress", "Stopping"),
            "The request was rejected because the training job is in status {status}.",
        ),
        "Delete": Rule(
            ("Completed", "Failed", "Stopped"),
            "The training job {arn} is in status {status}; only jobs in a terminal status ({states}) can be deleted.",
            code=IN_USE,
        ),
    },
    defaults={
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
    },
    usage="training job",
    idle=("Completed", "Failed", "Stopped"),
    not_found="Requested resource not found.",
    exists_code=IN_USE,
    exists="Training job names must be unique within an AWS account and region, "
    "and a training job with this name already exists ({arn})",
    sort_order="Ascending",
)
