"""The lab's bucket, and what seats have of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3

from infra.constructs.findings import acknowledge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_kms as kms
    from constructs import Construct

_NO_ACCESS_LOGS = (
    "A bucket of access logs would outlive the lab, for its own logs refill it while it is emptied; accounts that need "
    "such logs have CloudTrail's data events."
)
_ASYNC_DAYS = 7


class LabBucket(s3.Bucket):
    """Encrypted with the lab's key, reached over TLS only, never public; what is replaced stays for 30 days."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey) -> None:
        super().__init__(
            scope,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            bucket_key_enabled=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="forget-what-was-replaced",
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                    expired_object_delete_marker=True,
                    noncurrent_version_expiration=Duration.days(30),
                ),
                # An asynchronous endpoint never deletes what it has read and written.
                s3.LifecycleRule(
                    id="forget-asynchronous-answers",
                    expiration=Duration.days(_ASYNC_DAYS),
                    noncurrent_version_expiration=Duration.days(1),
                    prefix="async/",
                ),
            ],
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.DESTROY,
            versioned=True,
        )
        acknowledge(self, dict.fromkeys(("AwsSolutions-S1", "CKV_AWS_18"), _NO_ACCESS_LOGS))

    def tell_eventbridge(self) -> None:
        """Let EventBridge hear of every object that is made or deleted.

        By the template's own member: the CDK's takes a function that may change any bucket's notifications.
        """
        cast(
            "s3.CfnBucket", self.node.default_child
        ).notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )


@dataclass(frozen=True, kw_only=True)
class SharedStorage:
    """What seats share of the storage, as strings that are read once: a class asks for each a hundred times.

    Names and ARNs of the bucket and the key; how a prefix of the bucket is filled and emptied, and with what.
    """

    bucket_name: str
    bucket_arn: str
    key_arn: str
    prefix_token: str  # the service token of a PrefixContents
    notebooks: Mapping[str, tuple[str, str]]  # the file's name: its key in the bucket, and the hash of what lies there
