"""AddTags, ListTags and DeleteTags.

At most 50 tags a resource, keys that begin with `aws:` only from AWS's own services: AWS's tagging rules; the sentence
about the prefix is CloudFormation handlers'. Not compared with AWS: the other sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import limit, validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterable

    from embedded_aws.services.sagemaker.store import Record, Store

MOST = 50
SYSTEM = "aws:"


def read(tags: Iterable[dict[str, str]]) -> dict[str, str]:
    """Tags of a request as a mapping. Raises ValidationException for a system key or a key given twice."""
    pairs = [(tag["Key"], tag["Value"]) for tag in tags]
    refuse_system(key for key, _ in pairs)
    if len(dict(pairs)) != len(pairs):
        raise validation_exception("Duplicate tag keys found. Please note that each key can be given once.")
    return dict(pairs)


def refuse_system(keys: Iterable[str]) -> None:
    """Raise ValidationException if a key is one of AWS's own."""
    if any(key.lower().startswith(SYSTEM) for key in keys):
        raise validation_exception("aws: prefixed tag key names are not allowed for external use.")


def write(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as an answer lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def handle(store: Store, operation: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
    """Answer one of the three operations. Raises ServiceError."""
    record = _tagged(store, request["ResourceArn"], account=account, region=region)
    if operation == "AddTags":
        added = read(request["Tags"])
        if sum(not key.startswith(SYSTEM) for key in {**record.tags, **added}) > MOST:
            raise limit(f"{record.arn} cannot have more than {MOST} tags.")
        store.tag(record, added)
    elif operation == "DeleteTags":
        refuse_system(request["TagKeys"])
        store.tag(record, {}, without=request["TagKeys"])
    elif "NextToken" in request:
        raise validation_exception("Invalid pagination token. ListTags answers with all tags of a resource at once.")
    return {"Tags": write(record.tags)}


def _tagged(store: Store, arn: str, *, account: str, region: str) -> Record:
    record = store.find_arn(arn, account=account, region=region)
    if record is None:
        raise validation_exception(f"Could not find the resource {arn}.")
    return record
