"""What the function may do that ends the lab: to what bears the lab's name or tag, and nothing else."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

from infra.constructs.arns import arn
from infra.constructs.findings import wildcard

# SageMaker's kinds by what can be done to them. teardown/resource_types.py has the same ones; a test compares.
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
# The log groups that SageMaker shares among all jobs of a kind, or all notebook instances.
_SHARED_LOGS = (
    "CompilationJobs",
    "InferenceRecommendationsJobs",
    "LabelingJobs",
    "NotebookInstances",
    "ProcessingJobs",
    "TrainingJobs",
    "TransformJobs",
)
# The groups whose streams are deleted: by a pattern, for each by itself would not fit into a role's policy.
_STREAMS_IN = ("*Jobs", "NotebookInstances")
_OWN_LOGS = ("{}-*", "/aws/lambda/{}-*")
# What bears the lab's tag may have any name, and its logs bear that name, and no tag.
_NAMED_OTHERWISE = (
    "/aws/sagemaker/Endpoints/*",
    "/aws/sagemaker/InferenceComponents/*",
    *(f"/aws/sagemaker/{name}:log-stream:*" for name in _STREAMS_IN),
)
# Application Auto Scaling's, for endpoints, and what begins with the lab's name.
_ALARMS = ("TargetTracking-endpoint/*", "{}-*")


def statements(lab: str) -> list[iam.PolicyStatement]:
    """The policy of the function; what CloudFormation deletes with a stack, it deletes with its own role."""
    return [*_sagemaker(lab), *_scaling(), *_alarms(lab), *_stacks(lab), *_logs(lab), *_records(lab)]


def wildcards(lab: str) -> dict[str, str]:
    """The findings about the policy's wildcards, each with its reason."""
    named = (
        *(f"…:*/{lab}{end}" for end in ("", "-*")),
        f"…:stack/{lab}-*/*",
        *(f"…:log-group:{pattern.format(lab)}" for pattern in _OWN_LOGS),
        f"…:alarm:{lab}-*",
        f"…:parameter/{lab}/*",
    )
    shared = (f"…:log-group:/aws/sagemaker/{name}:*" for name in _SHARED_LOGS)
    return {
        wildcard("*"): "Listings, GetResources, DescribeAlarms, DescribeStacks and DescribeLogGroups name no resource.",
        wildcard("…:alarm:TargetTracking-endpoint/*"): "Application Auto Scaling's alarms on endpoints, and no others.",
        **{
            wildcard(f"…:log-group:{pattern}"): "SageMaker's logs of what bears the lab's tag: its name may be any."
            for pattern in _NAMED_OTHERWISE
        },
        wildcard("…:*"): "Whatever bears the lab's tag: the statement's condition says so.",
        wildcard("…:scalable-target/*"): "A scalable target's ARN has no name in it: only SageMaker's are meant.",
        **dict.fromkeys(map(wildcard, shared), "It is how IAM writes a log group: this one and no other."),
        **dict.fromkeys(map(wildcard, named), "What students, SageMaker and CloudFormation make begins so."),
    }


def _sagemaker(lab: str) -> list[iam.PolicyStatement]:
    stopped = (*_JOBS, *_KEPT_JOBS, "NotebookInstance")
    deleted = (*_JOBS, *_RESOURCES, "NotebookInstance")
    ends = [*(f"sagemaker:Stop{kind}" for kind in stopped), *(f"sagemaker:Delete{kind}" for kind in deleted)]
    # Of a training job's warm pool only the end: no period, and no profiling on instances of its own.
    pool = {"NumericEquals": {"sagemaker:KeepAlivePeriod": "0"}, "Null": {"sagemaker:InstanceTypes": "true"}}
    named = [arn("sagemaker", f"*/{lab}"), arn("sagemaker", f"*/{lab}-*")]
    tagged = {"StringEquals": {"aws:ResourceTag/bricklab:lab": lab}}
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
        iam.PolicyStatement(actions=ends, resources=named),
        iam.PolicyStatement(actions=ends, resources=[arn("sagemaker", "*")], conditions=tagged),
        iam.PolicyStatement(actions=["sagemaker:UpdateTrainingJob"], resources=named, conditions=pool),
        iam.PolicyStatement(
            actions=["sagemaker:UpdateTrainingJob"],
            resources=[arn("sagemaker", "*")],
            conditions={**pool, **tagged},
        ),
    ]


def _scaling() -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(actions=["application-autoscaling:DescribeScalableTargets"], resources=["*"]),
        # A scalable target's ARN has no name in it, and students' have no tags: SageMaker's is as narrow as it gets.
        iam.PolicyStatement(
            actions=["application-autoscaling:DeregisterScalableTarget"],
            resources=[arn("application-autoscaling", "scalable-target/*")],
            conditions={"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}},
        ),
    ]


def _alarms(lab: str) -> list[iam.PolicyStatement]:
    own = [arn("cloudwatch", f"alarm:{pattern.format(lab)}") for pattern in _ALARMS]
    return [
        iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"]),
        iam.PolicyStatement(actions=["cloudwatch:DeleteAlarms"], resources=own),
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
    shared = [arn("logs", f"log-group:/aws/sagemaker/{name}") for name in _SHARED_LOGS]
    otherwise = [arn("logs", f"log-group:{pattern}") for pattern in _NAMED_OTHERWISE]
    own = [
        *(arn("logs", f"log-group:{pattern.format(lab)}") for pattern in _OWN_LOGS),
        *(each for each in otherwise if ":log-stream:" not in each),
    ]
    return [
        iam.PolicyStatement(actions=["logs:DescribeLogGroups"], resources=["*"]),
        iam.PolicyStatement(
            # Of those that are shared, one is deleted when nothing is left in it.
            actions=["logs:DeleteLogGroup", "logs:DescribeLogStreams", "logs:ListTagsForResource"],
            resources=[*own, *shared, *(f"{group}:*" for group in shared)],
        ),
        iam.PolicyStatement(
            actions=["logs:DeleteLogStream"],
            resources=[each for each in otherwise if ":log-stream:" in each],
        ),
    ]


def _records(lab: str) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=["ssm:DeleteParameter", "ssm:GetParametersByPath", "ssm:PutParameter"],
            resources=[arn("ssm", f"parameter/{lab}"), arn("ssm", f"parameter/{lab}/*")],
        ),
        iam.PolicyStatement(
            actions=["scheduler:GetSchedule", "scheduler:UpdateSchedule"],
            resources=[arn("scheduler", f"schedule/default/{lab}-lease-end")],
        ),
    ]
