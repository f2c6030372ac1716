"""What SageMaker may do in the lab's name while it trains, serves or runs a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct


class ExecutionRole(iam.Role):
    """A role that SageMaker assumes, for resources of this account only, with nothing but these statements."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        statements: Sequence[iam.PolicyStatement],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
            ),
            description=description,
            inline_policies={"lab": iam.PolicyDocument(statements=list(statements))},
        )


def write_logs(scope: Construct, *, group: str, streams: str) -> list[iam.PolicyStatement]:
    """May write the streams of a log group that SageMaker shares among all of an account's jobs or notebooks."""
    arn = f"arn:{Stack.of(scope).partition}:logs:{Stack.of(scope).region}:{Stack.of(scope).account}:log-group:{group}"
    return [
        iam.PolicyStatement(actions=["logs:CreateLogGroup", "logs:DescribeLogStreams"], resources=[arn, f"{arn}:*"]),
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[f"{arn}:log-stream:{streams}"]
        ),
    ]


def publish_metrics() -> iam.PolicyStatement:
    """May publish metrics to SageMaker's own namespaces: PutMetricData has no resource to name."""
    return iam.PolicyStatement(
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],
        conditions={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}},
    )
