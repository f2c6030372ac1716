"""Tags: AddTags, ListTags and DeleteTags, and what the Resource Groups Tagging API asks SageMaker.

At most 50 tags a resource, keys that begin with `aws:` only from AWS's own services: AWS's tagging rules; the sentence
about the prefix is CloudFormation handlers'. Not compared with AWS: the other sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import ServiceError, limit, validation_exception
from embedded_aws.services.sagemaker.model_registry import versions
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from embedded_aws.services.sagemaker.store import Record, Store

MAX_TAGS = 50
SYSTEM_PREFIX = "aws:"


def read(tags: Iterable[dict[str, str]]) -> dict[str, str]:
    """Return a request's tags as a mapping. Raises ValidationException for a system key or a key given twice."""
    pairs = [(tag["Key"], tag["Value"]) for tag in tags]
    check_keys(key for key, _ in pairs)
    if len(dict(pairs)) != len(pairs):
        raise validation_exception("Duplicate tag keys found. Please note that each key can be given once.")
    return dict(pairs)


def check_keys(keys: Iterable[str]) -> None:
    """Raise ValidationException if a key has the prefix of AWS's own."""
    if any(key.lower().startswith(SYSTEM_PREFIX) for key in keys):
        raise validation_exception("aws: prefixed tag key names are not allowed for external use.")


def own(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that are not AWS's own."""
    return {key: value for key, value in tags.items() if not key.startswith(SYSTEM_PREFIX)}


def write(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags as an answer lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def handle(store: Store, operation: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
    """Answer one of the three operations. Raises ServiceError."""
    record = _tagged(store, request["ResourceArn"], account=account, region=region)
    if operation == "AddTags":
        added = read(request["Tags"])
        if sum(not key.startswith(SYSTEM_PREFIX) for key in {**record.tags, **added}) > MAX_TAGS:
            raise limit(f"{record.arn} cannot have more than {MAX_TAGS} tags.")
        store.tag(record, added)
    elif operation == "DeleteTags":
        check_keys(request["TagKeys"])
        store.tag(record, {}, without=request["TagKeys"])
    elif "NextToken" in request:
        raise validation_exception("Invalid pagination token. ListTags answers with all tags of a resource at once.")
    return {"Tags": write(versions.tags_of(store, record))}


def _tagged(store: Store, arn: str, *, account: str, region: str) -> Record:
    record = store.find_arn(arn, account=account, region=region)
    if record is None:
        raise validation_exception(f"Could not find the resource {arn}.")
    return record


@dataclass(frozen=True)
class TaggedResources:
    """What the Resource Groups Tagging API asks SageMaker; `caller` returns the current account and region."""

    store: Store
    caller: Callable[[], tuple[str, str]]

    def all(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield ARN and tags of each resource that has tags."""
        account, region = self.caller()
        for resource_type in RESOURCE_TYPES:
            for record in self.store.all(resource_type, account=account, region=region):
                if record.tags:
                    yield record.arn, record.tags

    def tag(self, arn: str, new: dict[str, str]) -> None:
        """Set tags. Raises LookupError if the resource does not exist or SageMaker refuses the tags."""
        self._call("AddTags", {"ResourceArn": arn, "Tags": write(new)})

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        """Remove tags. Raises LookupError as `tag` does."""
        self._call("DeleteTags", {"ResourceArn": arn, "TagKeys": list(keys)})

    def _call(self, operation: str, request: dict[str, Any]) -> None:
        account, region = self.caller()
        try:
            handle(self.store, operation, request, account=account, region=region)
        except ServiceError as error:
            raise LookupError(error.message) from error
