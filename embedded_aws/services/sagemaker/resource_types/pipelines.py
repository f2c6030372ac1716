"""Pipelines and their executions.

`Pipeline names must be unique within an AWS account and region` and its code: the SageMaker SDK and AWS's code examples
match both. ARNs keep the name's case: DescribePipelineExecution's answers that users published in October 2024. An
execution's name is the end of its ARN; the errors that an operation declares are botocore's. Not compared with AWS: the
end of that sentence; the sentences about a pipeline, an execution or a callback token that is not there.
"""

from __future__ import annotations

from embedded_aws.services.sagemaker.errors import NOT_FOUND
from embedded_aws.services.sagemaker.resource_types.members import DONE, REFUSED, TAGS, Members
from embedded_aws.services.sagemaker.resource_types.resource_type import ResourceType

START = "Start{}"
DESCRIBE = "Describe{}"
LIST = "List{}s"
LIST_STEPS = "List{}Steps"
UPDATE = "Update{}"
STOP = "Stop{}"
RETRY = "Retry{}"
SUCCEED = "Send{}StepSuccess"
FAIL = "Send{}StepFailure"
DEFINITION = "Describe{}DefinitionForExecution"
PARAMETERS = "List{}ParametersForExecution"
OF_VERSIONS = (LIST, UPDATE)
OF_EXECUTION = (DEFINITION, PARAMETERS)
OF_EXECUTIONS = (START, DESCRIBE, LIST, LIST_STEPS, UPDATE, STOP, RETRY, SUCCEED, FAIL)

_PARALLELISM: Members = {"MaxParallelExecutionSteps": DONE}
_CHANGEABLE: Members = {
    "PipelineName": DONE,
    "PipelineDisplayName": DONE,
    "PipelineDefinition": DONE,
    "PipelineDefinitionS3Location": {"Bucket": DONE, "ObjectKey": DONE, "VersionId": DONE},
    "PipelineDescription": DONE,
    "RoleArn": DONE,
    "ParallelismConfiguration": _PARALLELISM,
}

PIPELINE = ResourceType(
    name="Pipeline",
    arn_type="pipeline",
    members={
        "Create": {**_CHANGEABLE, "ClientRequestToken": DONE, "Tags": TAGS},
        "Update": _CHANGEABLE,
        "Describe": {"PipelineName": DONE, "PipelineVersionId": DONE},
    },
    verbs=("Create", "Describe", "List", "Update", "Delete", *OF_EXECUTION),
    own_verbs=OF_EXECUTION,
    status="PipelineStatus",
    first_status="Active",
    defaults={"PipelineDisplayName": lambda given: given["PipelineName"]},
    keeps_case=True,
    not_found_code=NOT_FOUND,
    not_found="Pipeline '{arn}' does not exist.",
    exists="Pipeline names must be unique within an AWS account and region and a pipeline with name ({name}) already "
    "exists.",
)

PIPELINE_EXECUTION = ResourceType(
    name="PipelineExecution",
    arn_type="pipeline",
    identifier="PipelineExecutionArn",
    members={
        START: {
            "PipelineName": DONE,
            "PipelineExecutionDisplayName": DONE,
            "PipelineParameters": {"Name": DONE, "Value": DONE},
            "PipelineExecutionDescription": DONE,
            "ClientRequestToken": DONE,
            "ParallelismConfiguration": _PARALLELISM,
            "SelectiveExecutionConfig": {"SourcePipelineExecutionArn": DONE, "SelectedSteps": {"StepName": DONE}},
            "PipelineVersionId": DONE,
            "MlflowExperimentName": REFUSED,
        },
        UPDATE: {
            "PipelineExecutionArn": DONE,
            "PipelineExecutionDescription": DONE,
            "PipelineExecutionDisplayName": DONE,
            "ParallelismConfiguration": _PARALLELISM,
        },
    },
    verbs=OF_EXECUTIONS,
    own_verbs=OF_EXECUTIONS,
    status="PipelineExecutionStatus",
    first_status="Executing",
    stage=lambda members: tuple(
        (step["StepName"], step["StepStatus"], step.get("AttemptCount")) for step in members.get("Steps", {}).values()
    ),
    idle_statuses=("Succeeded", "Failed", "Stopped"),
    keeps_case=True,
    not_found_code=NOT_FOUND,
    not_found="Pipeline execution '{arn}' does not exist.",
    exists="Pipeline execution '{arn}' exists already.",
)

PIPELINE_VERSION = ResourceType(
    name="PipelineVersion",
    arn_type="pipeline",
    identifier="PipelineVersionId",
    members={
        UPDATE: {
            "PipelineArn": DONE,
            "PipelineVersionId": DONE,
            "PipelineVersionDisplayName": DONE,
            "PipelineVersionDescription": DONE,
        },
    },
    verbs=OF_VERSIONS,
    own_verbs=OF_VERSIONS,
    keeps_case=True,
    not_found_code=NOT_FOUND,
    not_found="Pipeline version '{arn}' does not exist.",
    exists="Pipeline version '{arn}' exists already.",
)
