"""What a job is given before it starts: its image, its volumes, and its data from S3.

CreateTrainingJob and CreateTransformJob answer a prefix without objects themselves, with a ValidationException
(aws/amazon-sagemaker-examples#2267, #2414, #2495). What a role may not list fails the job later here: AWS refuses it
at once, "Unauthorized to List objects under S3 URL" (terraform-provider-aws retries it).
Not compared with AWS: how the sentence on what may not be listed goes on; what becomes of a manifest that is not there.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import images, s3_objects, s3_uris
from embedded_aws.runtime.archives import ArchiveError
from embedded_aws.services.sagemaker import authorization, image_pull
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception
from embedded_aws.services.sagemaker.failure import FailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from embedded_aws.runtime.containers import AnyImage
    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import ServiceContext


@dataclass(frozen=True)
class Shard:
    """The part of one host, of as many as share the data: ShardedByS3Key gives each about as many objects."""

    number: int = 0
    of: int = 1


def check(data: Iterable[Mapping[str, Any]], role: Role) -> None:
    """Raise AWS's ValidationException for the first prefix, of these DataSources, that no object's key begins with."""
    prefixes = [
        source["S3Uri"] for each in data if (source := each.get("S3DataSource")) and source["S3DataType"] == "S3Prefix"
    ]
    s3 = role.client("s3") if prefixes else None
    for uri in prefixes:
        if _is_empty(s3, uri):
            raise validation_exception(no_objects(uri, role))


def pull(uri: str, context: ServiceContext, role: Role) -> AnyImage:
    """Install the image that a URI speaks of, if the role may pull it. Raises FailedError."""
    try:
        return image_pull.pull(uri, context, role.arn)
    except (images.ImageError, ServiceError) as error:
        raise FailedError(
            "ClientError: Cannot pull algorithm container. Either the image does not exist or its "
            f"permissions are incorrect. {error}"
        ) from error


def attach_volumes(resources: Mapping[str, Any], context: ServiceContext, role: Role) -> None:
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
    found = find(s3, source, role=role, failure=failure)
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    mine = islice(found.items(), shard.number, None, shard.of) if sharded else found.items()
    with _s3_errors(source, role, failure):
        s3_objects.download_all(s3, dict(mine), folder)


def find(s3: Any, source: Mapping[str, Any], *, role: Role, failure: str) -> dict[str, str]:
    """Return the URIs of what an S3DataSource names, by name. Raises FailedError as `download` does."""
    listed = s3_objects.list_manifest if source["S3DataType"] == "ManifestFile" else s3_objects.list_prefix
    found: dict[str, str] = {}
    with _s3_errors(source, role, failure):
        found = listed(s3, source["S3Uri"])
    if not found:
        raise FailedError(f"{failure}{no_objects(source['S3Uri'], role)}")
    return found


@contextmanager
def _s3_errors(source: Mapping[str, Any], role: Role, failure: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, ArchiveError) as error:
        cause = f" Error message from S3: {error}"
        raise FailedError(f"{failure}{no_objects(source['S3Uri'], role)}{cause}") from error


def no_objects(uri: str, role: Role) -> str:
    """Return AWS's sentence on data that is not there."""
    return (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists in '
        f'the selected region ({role.region}), that objects exist under that S3 prefix, and that the role "{role.arn}" '
        f'has "s3:ListBucket" permissions on bucket "{s3_uris.split(uri)[0]}".'
    )


def _is_empty(s3: Any, uri: str) -> bool:
    bucket, prefix = s3_uris.split(uri)
    try:
        return not s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents")
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "NoSuchBucket")
