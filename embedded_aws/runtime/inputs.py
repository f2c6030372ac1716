"""The data that a job is to be given, looked for before there is a job.

CreateTrainingJob and CreateTransformJob answer a prefix without objects themselves, with a ValidationException
(aws/amazon-sagemaker-examples#2267, #2414, #2495). What a role may not list fails the job later here: AWS refuses it
at once, "Unauthorized to List objects under S3 URL" (terraform-provider-aws retries it).
Not compared with AWS: how the sentence on what may not be listed goes on; what becomes of a manifest that is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from embedded_aws.runtime import s3_uris
from embedded_aws.runtime.ingest import no_objects
from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from embedded_aws.runtime.credentials import Role


def check(data: Iterable[Mapping[str, Any]], role: Role) -> None:
    """Raise AWS's ValidationException for the first prefix, of these DataSources, that no object's key begins with."""
    prefixes = [
        source["S3Uri"] for each in data if (source := each.get("S3DataSource")) and source["S3DataType"] == "S3Prefix"
    ]
    s3 = role.client("s3") if prefixes else None
    for uri in prefixes:
        if _empty(s3, uri):
            raise validation_exception(no_objects(uri, role))


def _empty(s3: Any, uri: str) -> bool:
    bucket, prefix = s3_uris.split(uri)
    try:
        return not s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents")
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "NoSuchBucket")
