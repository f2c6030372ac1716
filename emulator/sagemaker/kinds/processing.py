"""Processing jobs.

`Job name must be unique …`: users' logs of CreateProcessingJob. `Could not find requested job with name`: clients'
tests and logs. Which jobs can be deleted: botocore's model. Not compared with AWS: the sentences of
StopProcessingJob and DeleteProcessingJob.
"""

from __future__ import annotations

from emulator.sagemaker.errors import IN_USE
from emulator.sagemaker.kinds.kind import ENDED, Kind, job_rules

DAY = 86_400

PROCESSING_JOB = Kind(
    name="ProcessingJob",
    arn_type="processing-job",
    verbs=("Create", "Describe", "List", "Stop", "Delete"),
    status="ProcessingJobStatus",
    first_status="InProgress",
    rules=job_rules("processing job"),
    defaults={"StoppingCondition": {"MaxRuntimeInSeconds": DAY}},
    usage="processing job",
    idle=ENDED,
    not_found="Could not find requested job with name: {name}",
    exists_code=IN_USE,
    exists="Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
)
