"""What lies in the lab's bucket from the start, and its emptying at the end.

CDK's BucketDeployment asks for wildcard actions, and its auto-delete handler does not look at DeleteObjects' errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import CfnResource, CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.constructs import statements
from infra.constructs.arns import arn
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.labelling_files import PREFIX
from infra.constructs.provider import HandlerProvider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sagemaker as sagemaker

    from infra.constructs.bucket import SharedStorage
    from infra.constructs.statements import Statement


_TYPE = "Custom::BucketContents"
# The handler gives up after 54 minutes of emptying, with a sentence of its own; CloudFormation does after an hour.
_ANSWERED_SECONDS = 3300
_SEATS = "seats/"
# The folders that the handler may write below, and why each of all keys in it.
_WRITTEN = {
    "data/": "Every file of the data set.",
    PREFIX: "What labelers see, and what they choose from.",
    "notebooks/": "Every notebook of the lab.",
    _SEATS: "Every seat's copy of the notebook.",
}


class BucketContents(Construct):
    """Copies files to their keys in the bucket; with the stack, empties the whole bucket, and the group of models.

    `digests` maps each key to the hash of its file; `prefix_token` is a `PrefixContents`' service token.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        key: kms.IKey,
        models: sagemaker.CfnModelPackageGroup | None,
        files: Mapping[str, Path],
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        sources = {
            name: assets.Asset(self, f"File{number}", path=str(file))
            for number, (name, file) in enumerate(files.items())
        }
        written = sorted({_SEATS, *(f"{name.partition('/')[0]}/" for name in files)})
        group = str(models.model_package_group_name) if models else ""
        self.digests = {name: asset.asset_hash for name, asset in sources.items()}
        provider = HandlerProvider(
            self,
            "Handler",
            handler="bucket_contents",
            key=key,
            log_retention_days=log_retention_days,
            statements=[
                *_may_fill(bucket.bucket_arn, sources, written),
                *_may_empty(bucket.bucket_arn),
                *(_may_forget_models(group) if group else ()),
                statements.read_and_write_encrypted(key.key_arn),
            ],
            timeout=Duration.minutes(15),
            seconds=_ANSWERED_SECONDS,
        )
        acknowledge(
            provider,
            {
                **{wildcard(f"…/{folder}*"): _WRITTEN[folder] for folder in written},
                wildcard("…/*"): "Emptying a bucket means every object in it; it is the lab's own.",
                **(
                    {
                        wildcard(f"…:model-package/{group}/*"): "Every version of the lab's model, by its number.",
                        wildcard("*"): "Listing a group's versions has no resource to name.",
                    }
                    if group
                    else {}
                ),
            },
        )
        resource = CustomResource(
            self,
            "Resource",
            properties={
                "Bucket": bucket.bucket_name,
                **({"ModelPackageGroup": group} if group else {}),
                "Objects": [
                    {"Key": name, "SourceBucket": asset.s3_bucket_name, "SourceKey": asset.s3_object_key}
                    for name, asset in sources.items()
                ],
            },
            removal_policy=RemovalPolicy.DESTROY,
            resource_type=_TYPE,
            service_timeout=Duration.hours(1),
            service_token=provider.service_token,
        )
        self.prefix_token = provider.function("Prefix", "prefix.handler").function_arn
        # The bucket's policy too: it has to be there while files are copied, and go after they have gone.
        resource.node.add_dependency(bucket, *([models] if models else []))
        # Under another logical id CloudFormation would take it for another resource, and delete this one: that empties
        # the bucket.
        cast("CfnResource", resource.node.default_child).override_logical_id("BucketContents")


class PrefixContents(Construct):
    """Copies objects of the lab's bucket below a prefix of it; with the stack, empties the prefix.

    `copies` maps a key, without the prefix, to the key it is copied from and the hash of what lies there.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: SharedStorage,
        prefix: str,
        copies: Mapping[str, tuple[str, str]],
    ) -> None:
        super().__init__(scope, construct_id)
        CustomResource(
            self,
            "Resource",
            properties={
                "Bucket": storage.bucket_name,
                "Prefix": prefix,
                "Objects": [
                    {"Key": f"{prefix}{key}", "SourceBucket": storage.bucket_name, "SourceKey": source, "Hash": digest}
                    for key, (source, digest) in copies.items()
                ],
            },
            removal_policy=RemovalPolicy.DESTROY,
            resource_type=_TYPE,
            # A function that ended without an answer would be waited for, for an hour by default.
            service_timeout=Duration.minutes(16),
            service_token=storage.prefix_token,
        )


def _may_fill(bucket_arn: str, sources: Mapping[str, assets.Asset], written: Sequence[str]) -> list[Statement]:
    read = [asset.bucket.arn_for_objects(asset.s3_object_key) for asset in sources.values()]
    return [
        statements.allow(["s3:GetObject"], read),
        statements.on_objects(bucket_arn, actions=["s3:GetObject"], prefixes=["notebooks/"]),
        statements.on_objects(bucket_arn, actions=["s3:PutObject"], prefixes=written),
    ]


def _may_empty(bucket_arn: str) -> list[Statement]:
    deleting = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion"]
    return [
        statements.allow(["s3:ListBucketMultipartUploads", "s3:ListBucketVersions"], [bucket_arn]),
        statements.on_objects(bucket_arn, actions=deleting, prefixes=[""]),
    ]


def _may_forget_models(group: str) -> list[Statement]:
    return [
        statements.allow(["sagemaker:ListModelPackages"], ["*"]),
        statements.allow(["sagemaker:DeleteModelPackage"], [arn("sagemaker", f"model-package/{group}/*")]),
    ]
