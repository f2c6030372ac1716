"""Ground Truth's resource types: workforces, work teams, worker task templates and labeling jobs.

New customers don't get Ground Truth any more (a note on each of its pages in SageMaker's guide); who has it keeps it.
There is one workforce in a region: botocore's model of CreateWorkforce; `Cannot create more than one workforce …` is
AWS's refusal (terraform-provider-aws#20472). `No workforce` and `The work team` begin AWS's sentences about what is not
there, both ValidationExceptions: terraform-provider-aws looks for them. A private team's ARN is
`workteam/private-crowd/NAME`, a labeling job's is in lower case: ARNs that users published. Not compared with AWS: how
those two sentences go on; the sentences about a template or a labeling job that is not there or whose name is taken,
and about a team whose name is; that the statuses of a workforce take as long as here.
"""

from __future__ import annotations

from embedded_aws.services.sagemaker.errors import IN_USE, NOT_FOUND
from embedded_aws.services.sagemaker.resource_types.members import (
    DONE,
    RECORDED,
    REFUSED,
    TAGS,
    Members,
    done,
    recorded,
)
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED, Precondition, ResourceType

PRIVATE, PUBLIC, VENDOR = "private-crowd", "public-crowd", "vendor-crowd"
RENDER = "Render"
LIST_FOR_WORKTEAM = "List{}sForWorkteam"
_STANDING = ("Active", "Failed")
_IN_STATUS = "The workforce is in status {status}; try again once it is in one of {statuses}."

_ADDRESSES: Members = {"Cidrs": done("workers come from 127.0.0.1: all are on this machine")}
_WORKFORCE: Members = {
    "WorkforceName": DONE,
    "SourceIpConfig": _ADDRESSES,
    "OidcConfig": REFUSED,
    "WorkforceVpcConfig": REFUSED,
    "IpAddressType": RECORDED,
}
WORKFORCE = ResourceType(
    name="Workforce",
    arn_type="workforce",
    members={
        "Create": {
            **_WORKFORCE,
            "CognitoConfig": {"UserPool": DONE, "ClientId": done("the workers' portal becomes one of its callbacks")},
            "Tags": TAGS,
        },
        "Update": _WORKFORCE,
    },
    verbs=("Create", "Describe", "List", "Update", "Delete"),
    status="Status",
    first_status="Initializing",
    preconditions={
        "Update": Precondition(_STANDING, _IN_STATUS),
        "Delete": Precondition(_STANDING, _IN_STATUS),
    },
    sort_order="Ascending",
    not_found="No workforce found with the name {name}.",
    exists="Workforce {arn} already exists.",
)

_TEAM: Members = {
    "WorkteamName": DONE,
    "MemberDefinitions": {
        "CognitoMemberDefinition": {"UserPool": DONE, "UserGroup": DONE, "ClientId": DONE},
        "OidcMemberDefinition": REFUSED,
    },
    "Description": DONE,
    "NotificationConfiguration": {"NotificationTopicArn": recorded("nobody is notified")},
    "WorkerAccessConfiguration": {
        "S3Presign": {
            "IamPolicyConstraints": {
                "SourceIp": recorded("all are on this machine"),
                "VpcSourceIp": recorded("all are on this machine"),
            }
        }
    },
}
WORKTEAM = ResourceType(
    name="Workteam",
    arn_type=f"workteam/{PRIVATE}",
    members={
        "Create": {**_TEAM, "WorkforceName": done("without it the region's, or a new one"), "Tags": TAGS},
        "Update": _TEAM,
    },
    verbs=("Create", "Describe", "List", "Update", "Delete"),
    sort_order="Ascending",
    not_found="The work team {arn} could not be found.",
    exists_code=IN_USE,
    exists="The work team {arn} already exists.",
)

_TEMPLATE: Members = {"Content": done("rendered by python-liquid")}
HUMAN_TASK_UI = ResourceType(
    name="HumanTaskUi",
    arn_type="human-task-ui",
    members={
        "Create": {"HumanTaskUiName": DONE, "UiTemplate": _TEMPLATE, "Tags": TAGS},
        RENDER: {
            "UiTemplate": _TEMPLATE,
            "HumanTaskUiArn": done("AWS's own templates are not among them"),
            "Task": {"Input": DONE},
            "RoleArn": DONE,
        },
    },
    verbs=("Create", "Describe", "List", "Delete", RENDER),
    own_verbs=(RENDER,),
    operation_names={RENDER: "RenderUiTemplate"},
    status="HumanTaskUiStatus",
    first_status="Active",
    not_found_code=NOT_FOUND,
    not_found="Human task UI {arn} not found.",
    exists_code=IN_USE,
    exists="Human task UI {arn} already exists.",
)

LABELING_JOB = ResourceType(
    name="LabelingJob",
    arn_type="labeling-job",
    members={
        "Create": {
            "LabelingJobName": DONE,
            "LabelAttributeName": DONE,
            "InputConfig": {
                "DataSource": {"S3DataSource": {"ManifestS3Uri": DONE}, "SnsDataSource": REFUSED},
                "DataAttributes": {"ContentClassifiers": recorded("it is Mechanical Turk's")},
            },
            "OutputConfig": {"S3OutputPath": DONE, "KmsKeyId": DONE, "SnsTopicArn": REFUSED},
            "RoleArn": DONE,
            "LabelCategoryConfigS3Uri": DONE,
            "StoppingConditions": {"MaxHumanLabeledObjectCount": DONE, "MaxPercentageOfInputDatasetLabeled": DONE},
            "LabelingJobAlgorithmsConfig": REFUSED,
            "HumanTaskConfig": {
                "WorkteamArn": done("of a private workforce"),
                "UiConfig": {
                    "UiTemplateS3Uri": done("with the crowd elements that there are"),
                    "HumanTaskUiArn": REFUSED,
                },
                "PreHumanTaskLambdaArn": done("one's own, or AWS's `PRE-ImageMultiClass`"),
                "TaskKeywords": recorded("they are Mechanical Turk's"),
                "TaskTitle": DONE,
                "TaskDescription": DONE,
                "NumberOfHumanWorkersPerDataObject": DONE,
                "TaskTimeLimitInSeconds": DONE,
                "TaskAvailabilityLifetimeInSeconds": DONE,
                "MaxConcurrentTaskCount": DONE,
                "AnnotationConsolidationConfig": {
                    "AnnotationConsolidationLambdaArn": done("one's own, or AWS's `ACS-ImageMultiClass`")
                },
                "PublicWorkforceTaskPrice": REFUSED,
            },
            "Tags": TAGS,
        }
    },
    verbs=("Create", "Describe", "List", "Stop", LIST_FOR_WORKTEAM),
    own_verbs=(LIST_FOR_WORKTEAM,),
    status="LabelingJobStatus",
    first_status="Initializing",
    preconditions={
        "Stop": Precondition(
            ("Initializing", "InProgress", "Stopping"),
            "The request was rejected because the labeling job is in status {status}.",
        )
    },
    idle_statuses=ENDED,
    not_found_code=NOT_FOUND,
    not_found="Could not find the labeling job {arn}.",
    exists_code=IN_USE,
    exists="Labeling job names must be unique within an AWS account and region, and a labeling job with this name "
    "already exists ({arn})",
)
