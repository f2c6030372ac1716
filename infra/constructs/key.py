"""The lab's encryption key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from infra.constructs.arns import account, arn, region, url_suffix
from infra.constructs.findings import acknowledge
from infra.settings import HOSTINGS
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

# The CDK's own key policy says "kms:*". These are KMS's actions on a key by name; IAM decides who in the account may.
# Source: service authorization reference, "Actions defined by AWS Key Management Service".
_KEY_ACTIONS = [
    "CancelKeyDeletion",
    "CreateAlias",
    "CreateGrant",
    "Decrypt",
    "DeleteAlias",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListResourceTags",
    "PutKeyPolicy",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
]
# What CloudWatch Logs does with a group's key; its guide writes GenerateDataKey* and ReEncrypt*. Not DescribeKey, which
# the guide has beside them: its requests have no encryption context, so that the condition never holds for it.
_LOGS_ACTIONS = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
]
_LOGS_CONTEXT = "kms:EncryptionContext:aws:logs:arn"


class LabKey(kms.Key):
    """A customer managed key that rotates; its deletion takes the seven days that KMS asks for at least.

    `alias` is its name without "alias/", `publishers` are AWS's services that write with it for this account; the log
    groups of the lab's functions and endpoint are encrypted with it too.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        lab: str,
        alias: str,
        description: str,
        publishers: Sequence[str] = (),
    ) -> None:
        administration = iam.PolicyStatement(
            actions=[f"kms:{action}" for action in _KEY_ACTIONS],
            principals=[iam.AccountRootPrincipal()],
            resources=["*"],  # in a key's policy: this key
        )
        publishing = [
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                principals=[iam.ServicePrincipal(service)],
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": account()}},
            )
            for service in publishers
        ]
        super().__init__(
            scope,
            construct_id,
            alias=f"alias/{alias}",
            description=description,
            enable_key_rotation=True,
            pending_window=Duration.days(7),
            policy=iam.PolicyDocument(statements=[administration, *publishing, _logging(lab)]),
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            self,
            {
                f"IAM-Operator[ArnLike of {_LOGS_CONTEXT}]": "IAM publishes every encryption context as a String; this "
                "one is an ARN, and AWS's own policy CloudWatchLogsAPIKeyAccess compares it so."
            },
        )


def _logging(lab: str) -> iam.PolicyStatement:
    """Allow CloudWatch Logs to use the key for the log groups that the lab's stacks own, and no others.

    CloudFormation names a function's group `<lab>-<stack>-…`. Sources: CloudWatch Logs' user guide, "Encrypt log data
    in CloudWatch Logs using AWS KMS"; AWS's managed policy CloudWatchLogsAPIKeyAccess has the same condition.
    """
    # Of each hosting: the group of the one before is there until the stack has another.
    endpoints = [names.endpoint_log_group(names.endpoint(lab, hosting)) for hosting in HOSTINGS]
    groups = [arn("logs", f"log-group:{name}") for name in (names.any_of(lab), *endpoints)]
    return iam.PolicyStatement(
        actions=[f"kms:{action}" for action in _LOGS_ACTIONS],
        principals=[iam.ServicePrincipal(f"logs.{region()}.{url_suffix()}")],
        resources=["*"],
        conditions={"ArnLike": {_LOGS_CONTEXT: groups}},
    )
