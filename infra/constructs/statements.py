"""IAM statements that several roles share: every action by its name, every resource by its ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3


def list_bucket(bucket: s3.IBucket, *, prefixes: Sequence[str]) -> iam.PolicyStatement:
    """May see which keys there are below these prefixes, such as "data/"."""
    return iam.PolicyStatement(
        actions=["s3:ListBucket"],
        resources=[bucket.bucket_arn],
        conditions={"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
    )


def on_objects(bucket: s3.IBucket, *, actions: Sequence[str], prefixes: Sequence[str]) -> iam.PolicyStatement:
    """May do these things to the objects below these prefixes."""
    return iam.PolicyStatement(
        actions=list(actions), resources=[bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
    )


def read_and_write_encrypted(key: kms.IKey) -> iam.PolicyStatement:
    """May use the lab's key for what it reads and writes in the bucket.

    Encrypt is what SageMaker asks for where an output has a key of its own (botocore: OutputDataConfig.KmsKeyId).
    """
    return iam.PolicyStatement(
        actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], resources=[key.key_arn]
    )


def attach_encrypted_volumes(key: kms.IKey) -> iam.PolicyStatement:
    """May let AWS's storage service, and nobody else, use the key for the volumes of the role's instances.

    SageMaker's own grants meet the condition: AWS's ML Space has it for its notebooks and jobs (awslabs/mlspace,
    notebook-policy-raw.md).
    """
    return iam.PolicyStatement(
        actions=["kms:CreateGrant"],
        resources=[key.key_arn],
        conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    )


def pass_role(role: iam.IRole, *, to: str) -> iam.PolicyStatement:
    """May hand this one role to a service, such as "sagemaker.amazonaws.com", and to no other."""
    return iam.PolicyStatement(
        actions=["iam:PassRole"],
        resources=[role.role_arn],
        conditions={"StringEquals": {"iam:PassedToService": to}},
    )
