"""What a job is given before it starts: its image, and its data from S3."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import images, s3_objects, s3_uris
from embedded_aws.runtime.archives import ArchiveError
from embedded_aws.services.sagemaker import authorization
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.failure import FailedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import Context


@dataclass(frozen=True)
class Shard:
    """The part of one host, of as many as share the data: ShardedByS3Key gives each about as many objects."""

    number: int = 0
    of: int = 1


def pull(uri: str, context: Context, role: Role) -> images.Image:
    """Install the image that a URI speaks of, if the role may pull it. Raises FailedError."""
    try:
        name = images.name_of(uri, images_dir=context.images_dir)
        authorization.check(context.principal_of(role.arn), authorization.permissions_to_pull(uri))
        return images.install(name, images_dir=context.images_dir, cache_dir=context.cache_dir)
    except (images.ImageError, ServiceError) as error:
        raise FailedError(
            "ClientError: Cannot pull algorithm container. Either the image does not exist or its "
            f"permissions are incorrect. {error}"
        ) from error


def attach_volumes(resources: Mapping[str, Any], context: Context, role: Role) -> None:
    """Attach a job's volumes, which may be encrypted. Raises FailedError if the role may not let them be."""
    account = role.arn.split(":")[4]
    asked = authorization.permissions_to_attach_volumes(resources, account=account, region=role.region)
    try:
        authorization.check(context.principal_of(role.arn), asked)
    except ServiceError as error:
        raise FailedError(f"ClientError: Cannot attach the instances' volumes. {error}") from error


def download(s3: Any, source: Mapping[str, Any], folder: Path, *, role: Role, failure: str, shard: Shard) -> None:
    """Bring what an S3DataSource names into a folder, or this host's shard of it where it is ShardedByS3Key.

    Raises FailedError, which begins with `failure`, if there is no object or the role may not read it.
    """
    uri = source["S3Uri"]
    find = s3_objects.of_manifest if source["S3DataType"] == "ManifestFile" else s3_objects.of_prefix
    cause = ""
    try:
        if found := find(s3, uri):
            sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
            mine = islice(found.items(), shard.number, None, shard.of) if sharded else found.items()
            s3_objects.download_all(s3, dict(mine), folder)
            return
    except (ClientError, BotoCoreError, ArchiveError) as error:
        cause = f" Error message from S3: {error}"
    raise FailedError(f"{failure}{no_objects(uri, role)}{cause}")


def no_objects(uri: str, role: Role) -> str:
    """AWS's sentence on data that is not there."""
    return (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists in '
        f'the selected region ({role.region}), that objects exist under that S3 prefix, and that the role "{role.arn}" '
        f'has "s3:ListBucket" permissions on bucket "{s3_uris.split(uri)[0]}".'
    )
