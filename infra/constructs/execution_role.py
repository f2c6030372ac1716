"""What SageMaker may do in the lab's name while it trains, serves or runs a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from infra.constructs import statements
from infra.constructs.arns import account, arn
from infra.constructs.findings import wildcard

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from infra.constructs.images import ContainerImage


class ExecutionRole(iam.Role):
    """A role that SageMaker assumes, for resources of this account only, with nothing but this policy."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        policy: iam.PolicyDocument,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": account()}}
            ),
            description=description,
            inline_policies={"lab": policy},
        )


def run_jobs(*, lab: str, key: kms.IKey, image: ContainerImage, group: str) -> list[iam.PolicyStatement]:
    """What a lab's jobs need whatever they do: key, volumes, image, a log in this group, metrics."""
    return [
        statements.read_and_write_encrypted(key),
        statements.attach_encrypted_volumes(key),
        *image.pull(),
        *write_logs(group=group, streams=f"{lab}-*"),
        publish_metrics(),
    ]


def running_jobs(*, lab: str, group: str) -> dict[str, str]:
    """The findings about `run_jobs`, each with its reason."""
    return {
        wildcard(f"…{group}:*"): "SageMaker shares the log group among an account's jobs.",
        wildcard(f"…{group}:log-stream:{lab}-*"): "The streams of this lab's jobs.",
        wildcard("*"): "GetAuthorizationToken and PutMetricData have no resource to name; the latter is held "
        "to SageMaker's namespaces.",
    }


def write_logs(*, group: str, streams: str) -> list[iam.PolicyStatement]:
    """May write the streams of a log group that SageMaker shares among all of an account's jobs or notebooks."""
    there = arn("logs", f"log-group:{group}")
    return [
        iam.PolicyStatement(
            actions=["logs:CreateLogGroup", "logs:DescribeLogStreams"], resources=[there, f"{there}:*"]
        ),
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[f"{there}:log-stream:{streams}"]
        ),
    ]


def publish_metrics() -> iam.PolicyStatement:
    """May publish metrics to SageMaker's own namespaces: PutMetricData has no resource to name."""
    return iam.PolicyStatement(
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],
        conditions={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}},
    )
