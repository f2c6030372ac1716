"""What the function may do that ends the lab: to what bears the lab's name or tag, and nothing else."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

from infra.constructs.arns import arn

# SageMaker's kinds by what can be done to them. infra/handlers/teardown/kinds.py has the same ones; a test compares.
_JOBS = ("CompilationJob", "HyperParameterTuningJob", "ProcessingJob", "TrainingJob")  # stopped, deleted
_KEPT_JOBS = ("AutoMLJob", "InferenceRecommendationsJob", "LabelingJob", "TransformJob")  # stopped
_RESOURCES = (
    "DataQualityJobDefinition",
    "Endpoint",
    "EndpointConfig",
    "InferenceComponent",
    "Model",
    "ModelBiasJobDefinition",
    "ModelExplainabilityJobDefinition",
    "ModelPackage",
    "ModelPackageGroup",
    "ModelQualityJobDefinition",
    "MonitoringSchedule",
    "NotebookInstanceLifecycleConfig",
)
_SHARED_LOGS = "/aws/sagemaker/*"


def statements(lab: str) -> list[iam.PolicyStatement]:
    """The policy of the function; what CloudFormation deletes with a stack, it deletes with its own role."""
    return [*_sagemaker(lab), *_stacks(lab), *_logs(lab), *_records(lab)]


def _sagemaker(lab: str) -> list[iam.PolicyStatement]:
    stopped = (*_JOBS, *_KEPT_JOBS, "NotebookInstance")
    deleted = (*_JOBS, *_RESOURCES, "NotebookInstance")
    ends = [*(f"sagemaker:Stop{kind}" for kind in stopped), *(f"sagemaker:Delete{kind}" for kind in deleted)]
    return [
        # Listing has no resource to name; tags are read to tell whose something is.
        iam.PolicyStatement(
            actions=[
                *(f"sagemaker:List{kind}s" for kind in (*stopped, *_RESOURCES)),
                "sagemaker:ListTags",
                "tag:GetResources",
            ],
            resources=["*"],
        ),
        iam.PolicyStatement(actions=ends, resources=[arn("sagemaker", f"*/{lab}"), arn("sagemaker", f"*/{lab}-*")]),
        iam.PolicyStatement(
            actions=ends,
            resources=[arn("sagemaker", "*")],
            conditions={"StringEquals": {"aws:ResourceTag/bricklab:lab": lab}},
        ),
    ]


def _stacks(lab: str) -> list[iam.PolicyStatement]:
    own = arn("cloudformation", f"stack/{lab}-*/*")
    return [
        iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=["*"]),  # the account's other labs too
        iam.PolicyStatement(
            actions=[
                "cloudformation:DeleteStack",
                "cloudformation:DescribeStackEvents",
                "cloudformation:ListStackResources",
            ],
            resources=[own],
            conditions={"StringEquals": {"aws:ResourceTag/bricklab:lab": lab}},
        ),
    ]


def _logs(lab: str) -> list[iam.PolicyStatement]:
    groups = (f"{lab}-*", f"/aws/lambda/{lab}-*", _SHARED_LOGS)
    return [
        iam.PolicyStatement(actions=["logs:DescribeLogGroups"], resources=[arn("logs", "log-group:*")]),
        iam.PolicyStatement(
            actions=["logs:DescribeLogStreams", "logs:ListTagsForResource"],
            resources=[name for group in groups for name in (arn("logs", f"log-group:{group}"),)],
        ),
        # Of the groups that SageMaker shares among all jobs, one is deleted when nothing is left in it.
        iam.PolicyStatement(
            actions=["logs:DeleteLogGroup"], resources=[arn("logs", f"log-group:{group}") for group in groups]
        ),
        iam.PolicyStatement(
            actions=["logs:DeleteLogStream"],
            resources=[
                arn("logs", f"log-group:{_SHARED_LOGS}:log-stream:{stream}") for stream in (f"{lab}-*", f"{lab}/*")
            ],
        ),
    ]


def _records(lab: str) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=["ssm:DeleteParameter", "ssm:GetParametersByPath"],
            resources=[arn("ssm", f"parameter/{lab}"), arn("ssm", f"parameter/{lab}/*")],
        ),
        iam.PolicyStatement(
            actions=["scheduler:GetSchedule", "scheduler:UpdateSchedule"],
            resources=[arn("scheduler", f"schedule/default/{lab}-lease-end")],
        ),
    ]
