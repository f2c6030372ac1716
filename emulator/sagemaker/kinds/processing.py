"""Processing jobs.

`Job name must be unique …`: users' logs of CreateProcessingJob. `Could not find requested job with name`: clients'
tests and logs. Which jobs can be deleted: botocore's model. Not compared with AWS: the sentences of
StopProcessingJob and DeleteProcessingJob.
"""

from __future__ import annotations

from emulator.sagemaker.errors import IN_USE
from emulator.sagemaker.kinds.kind import Kind, Rule

DAY = 86_400

PROCESSING_JOB = Kind(
    name="ProcessingJob",
    arn_type="processing-job",
    verbs=("Create", "Describe", "List", "Stop", "Delete"),
    status="ProcessingJobStatus",
    first_status="InProgress",
    rules={
        "Stop": Rule(
            ("InProgress", "Stopping"),
            "The request was rejected because the processing job is in status {status}.",
        ),
        "Delete": Rule(
            ("Completed", "Failed", "Stopped"),
            "The processing job {arn} is in status {status}; only jobs in a terminal status ({states}) can be deleted.",
            code=IN_USE,
        ),
    },
    defaults={"StoppingCondition": {"MaxRuntimeInSeconds": DAY}},
    usage="processing job",
    idle=("Completed", "Failed", "Stopped"),
    not_found="Could not find requested job with name: {name}",
    exists_code=IN_USE,
    exists="Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
)
