"""IAM statements that roles share: every action by its name, every resource by its ARN.

A statement is IAM's own JSON, for the CDK's objects cost a call to its engine each, and a class of a hundred seats has
thousands of statements. `document` makes the CDK's object of them all at once, where a construct asks for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_iam as iam

from infra.constructs.arns import arn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Statement = dict[str, Any]
_VERSION = "2012-10-17"  # of IAM's policy language


def allow(
    actions: Sequence[str], resources: Sequence[str], conditions: Mapping[str, Mapping[str, Any]] | None = None
) -> Statement:
    """Return a statement; `conditions` has keys and values by operator, such as "StringEquals"."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**statement, "Condition": conditions} if conditions else statement


def as_json(statements: Iterable[Statement]) -> dict[str, Any]:
    """Return the policy document as CloudFormation takes it."""
    return {"Version": _VERSION, "Statement": list(statements)}


def document(statements: Iterable[Statement]) -> iam.PolicyDocument:
    """Return the policy document as the CDK's constructs take it."""
    return iam.PolicyDocument.from_json(as_json(statements))


def list_bucket(bucket_arn: str, *, prefixes: Sequence[str]) -> Statement:
    """Allow to see which keys there are below these prefixes, such as "data/"."""
    return allow(["s3:ListBucket"], [bucket_arn], {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}})


def on_objects(bucket_arn: str, *, actions: Sequence[str], prefixes: Sequence[str]) -> Statement:
    """Allow these actions on the objects below these prefixes."""
    return allow(actions, [f"{bucket_arn}/{prefix}*" for prefix in prefixes])


def read_and_write_encrypted(key_arn: str) -> Statement:
    """Allow the use of the lab's key for what is read and written in the bucket.

    Encrypt is what SageMaker asks for where an output has a key of its own (botocore: OutputDataConfig.KmsKeyId).
    """
    return allow(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], [key_arn])


def attach_encrypted_volumes(key_arn: str) -> Statement:
    """Allow AWS's storage service, and nobody else, to use the key for the volumes of the role's instances.

    SageMaker's own grants meet the condition: AWS's ML Space has it for its notebooks and jobs (awslabs/mlspace,
    notebook-policy-raw.md).
    """
    return allow(["kms:CreateGrant"], [key_arn], {"Bool": {"kms:GrantIsForAWSResource": "true"}})


def pass_role(role_arn: str, *, to: str) -> Statement:
    """Allow to hand this one role to a service, such as "sagemaker.amazonaws.com", and to no other."""
    return allow(["iam:PassRole"], [role_arn], {"StringEquals": {"iam:PassedToService": to}})


def write_logs(streams: Mapping[str, str]) -> list[Statement]:
    """Allow to write, of log groups that SageMaker shares among an account's jobs or notebooks, the given streams.

    `streams` has a pattern of streams by the name of the group.
    """
    groups = {arn("logs", f"log-group:{group}"): pattern for group, pattern in streams.items()}
    return [
        allow(["logs:CreateLogGroup", "logs:DescribeLogStreams"], [*groups, *(f"{group}:*" for group in groups)]),
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [f"{group}:log-stream:{pattern}" for group, pattern in groups.items()],
        ),
    ]


def write_endpoint_logs(groups: Sequence[str]) -> Statement:
    """Allow to write the log groups of endpoints, of which each has one of its own."""
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return allow(actions, groups)


def publish_metrics() -> Statement:
    """Allow to publish metrics in SageMaker's own namespaces: PutMetricData has no resource to name."""
    namespaces = {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}
    return allow(["cloudwatch:PutMetricData"], ["*"], {"StringLike": namespaces})
