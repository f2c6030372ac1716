"""What the function may do that ends the lab: to what bears the lab's name or tag, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.constructs.arns import arn
from infra.constructs.findings import wildcard
from infra.constructs.statements import allow
from teardown import names
from teardown.logs import SHARED_GROUPS
from teardown.resource_types import RESOURCE_TYPES

if TYPE_CHECKING:
    from infra.constructs.statements import Statement

# SageMaker's types of resources by what can be done to them: jobs are stopped, and deleted unless AWS keeps them.
_JOBS = [each for each in RESOURCE_TYPES if each.api_name.endswith("Job")]
_DELETED_JOBS = sorted(each.api_name for each in _JOBS if not each.record_kept)
_KEPT_JOBS = sorted(each.api_name for each in _JOBS if each.record_kept)
_NOTEBOOK = "NotebookInstance"  # is stopped and deleted too
_EXECUTION = "PipelineExecution"  # is stopped, and goes with its pipeline
_RESOURCES = sorted({each.api_name for each in RESOURCE_TYPES} - {*_DELETED_JOBS, *_KEPT_JOBS, _NOTEBOOK})
# The groups whose streams are deleted: by a pattern, for each by itself would not fit into a role's policy.
_STREAMS_IN = ("/aws/sagemaker/*Jobs", "/aws/sagemaker/NotebookInstances")
# What bears the lab's tag may have any name, and its logs bear that name, and no tag.
_GROUPS_OF_ANY_NAME = (names.endpoint_log_group("*"), "/aws/sagemaker/InferenceComponents/*")
_STREAMS_OF_ANY_NAME = tuple(f"{group}:log-stream:*" for group in _STREAMS_IN)
_SCALING_ALARMS = "TargetTracking-endpoint/*"  # Application Auto Scaling's, for endpoints


def statements(lab: str) -> list[Statement]:
    """Return the function's policy; what CloudFormation deletes with a stack, it deletes with its own role."""
    return [
        *_sagemaker(lab),
        *_executions(lab),
        *_scaling(),
        *_alarms(lab),
        *_stacks(lab),
        *_logs(lab),
        *_records(lab),
    ]


def wildcards(lab: str) -> dict[str, str]:
    """Return the findings about the policy, of its wildcards for the most part, each with its reason."""
    own = names.any_of(lab)
    named = (
        f"…:*/{lab}",
        f"…:*/{own}",
        f"…:model-package/{names.model_package_group(lab)}/*",
        f"…:stack/{own}/*",
        *(f"…:log-group:{group}" for group in _own_groups(lab)),
        f"…:alarm:{own}",
        f"…:stateMachine:{own}",
        f"…:execution:{own}",
        f"…:parameter{names.parameters(lab)}/*",
    )
    shared = (f"…:log-group:{group}:*" for group in SHARED_GROUPS)
    return {
        wildcard("*"): "Listings, GetResources, DescribeAlarms, DescribeStacks and DescribeLogGroups name no resource.",
        wildcard(f"…:alarm:{_SCALING_ALARMS}"): "Application Auto Scaling's alarms on endpoints, and no others.",
        **{
            wildcard(f"…:log-group:{pattern}"): "SageMaker's logs of what bears the lab's tag: its name may be any."
            for pattern in (*_GROUPS_OF_ANY_NAME, *_STREAMS_OF_ANY_NAME)
        },
        "IAM-Unnamed[states:ListExecutions: maprun]": "The lab's state machines have no distributed maps.",
        wildcard("…:*"): "Whatever bears the lab's tag: the statement's condition says so.",
        wildcard("…:scalable-target/*"): "A scalable target's ARN has no name in it: only SageMaker's are meant.",
        **dict.fromkeys(map(wildcard, shared), "It is how IAM writes a log group: this one and no other."),
        **dict.fromkeys(map(wildcard, named), "What students, SageMaker and CloudFormation make begins so."),
    }


def _own_groups(lab: str) -> tuple[str, str]:
    return names.any_of(lab), f"/aws/lambda/{names.any_of(lab)}"


def _bears_the_tag(lab: str) -> dict[str, dict[str, str]]:
    """Return the condition that something bears the lab's tag."""
    return {"StringEquals": {f"aws:ResourceTag/{names.LAB_TAG}": lab}}


def _sagemaker(lab: str) -> list[Statement]:
    stopped = (*_DELETED_JOBS, *_KEPT_JOBS, _NOTEBOOK)
    deleted = (*_DELETED_JOBS, *_RESOURCES, _NOTEBOOK)
    listed = [f"sagemaker:List{each}s" for each in (*stopped, *_RESOURCES)]
    ends = [
        *(f"sagemaker:Stop{each}" for each in (*stopped, _EXECUTION)),
        *(f"sagemaker:Delete{each}" for each in deleted),
        f"sagemaker:List{_EXECUTION}s",  # is asked about the pipeline
    ]
    # Of a training job's warm pool only the end: no period, and no profiling on instances of its own.
    pool = {"NumericEquals": {"sagemaker:KeepAlivePeriod": "0"}, "Null": {"sagemaker:InstanceTypes": "true"}}
    # Below a group of models are its versions: model-package/<group>/<version>.
    versions = arn("sagemaker", f"model-package/{names.model_package_group(lab)}/*")
    named = [arn("sagemaker", f"*/{lab}"), arn("sagemaker", f"*/{names.any_of(lab)}")]
    tagged = _bears_the_tag(lab)
    return [
        # Listing has no resource to name; tags are read to tell whose something is.
        allow([*listed, "sagemaker:ListTags", "tag:GetResources"], ["*"]),
        allow(ends, [*named, versions]),
        allow(ends, [arn("sagemaker", "*")], tagged),
        allow(["sagemaker:UpdateTrainingJob"], named, pool),
        allow(["sagemaker:UpdateTrainingJob"], [arn("sagemaker", "*")], {**pool, **tagged}),
    ]


def _executions(lab: str) -> list[Statement]:
    return [
        allow(
            ["states:ListExecutions", "states:StopExecution"],
            [arn("states", f"{part}:{names.any_of(lab)}") for part in ("stateMachine", "execution")],
        )
    ]


def _scaling() -> list[Statement]:
    return [
        allow(["application-autoscaling:DescribeScalableTargets"], ["*"]),
        # A scalable target's ARN has no name in it, and students' have no tags: SageMaker's is as narrow as it gets.
        allow(
            ["application-autoscaling:DeregisterScalableTarget"],
            [arn("application-autoscaling", "scalable-target/*")],
            {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}},
        ),
    ]


def _alarms(lab: str) -> list[Statement]:
    own = [arn("cloudwatch", f"alarm:{pattern}") for pattern in (_SCALING_ALARMS, names.any_of(lab))]
    return [allow(["cloudwatch:DescribeAlarms"], ["*"]), allow(["cloudwatch:DeleteAlarms"], own)]


def _stacks(lab: str) -> list[Statement]:
    ends = ["DeleteStack", "DescribeStackEvents", "ListStackResources"]
    own = arn("cloudformation", f"stack/{names.any_of(lab)}/*")
    return [
        allow(["cloudformation:DescribeStacks"], ["*"]),  # the account's other labs too
        allow([f"cloudformation:{action}" for action in ends], [own], _bears_the_tag(lab)),
    ]


def _logs(lab: str) -> list[Statement]:
    shared = [_group(name) for name in sorted(SHARED_GROUPS)]
    return [
        allow(["logs:DescribeLogGroups"], ["*"]),
        # Of those that are shared, one is deleted when nothing is left in it.
        allow(
            ["logs:DeleteLogGroup", "logs:DescribeLogStreams", "logs:ListTagsForResource"],
            [
                *map(_group, (*_own_groups(lab), *_GROUPS_OF_ANY_NAME)),
                *shared,
                *(f"{group}:*" for group in shared),
            ],
        ),
        allow(["logs:DeleteLogStream"], [_group(each) for each in _STREAMS_OF_ANY_NAME]),
    ]


def _group(name: str) -> str:
    return arn("logs", f"log-group:{name}")


def _records(lab: str) -> list[Statement]:
    path = names.parameters(lab)
    return [
        allow(
            ["ssm:DeleteParameter", "ssm:GetParametersByPath", "ssm:PutParameter"],
            [arn("ssm", f"parameter{path}"), arn("ssm", f"parameter{path}/*")],
        ),
        allow(
            ["scheduler:GetSchedule", "scheduler:UpdateSchedule"],
            [arn("scheduler", f"schedule/default/{names.lease_end_schedule(lab)}")],
        ),
    ]
