"""SageMaker's resources as the Resource Groups Tagging API sees them: whatever bears a tag, by its ARN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import tags
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from embedded_aws.services.sagemaker.store import Store


@dataclass(frozen=True)
class TaggedResources:
    """Those of the account and region that `caller` answers."""

    store: Store
    caller: Callable[[], tuple[str, str]]

    def all(self) -> Iterator[tuple[str, dict[str, str]]]:
        """ARN and tags of each resource that has any."""
        account, region = self.caller()
        for resource_type in RESOURCE_TYPES:
            for record in self.store.all(resource_type, account=account, region=region):
                if record.tags:
                    yield record.arn, record.tags

    def tag(self, arn: str, given: dict[str, str]) -> None:
        """Set tags. Raises LookupError for a resource that is not there or tags that SageMaker refuses."""
        self._ask("AddTags", {"ResourceArn": arn, "Tags": tags.write(given)})

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        """Take tags away. Raises LookupError as `tag` does."""
        self._ask("DeleteTags", {"ResourceArn": arn, "TagKeys": list(keys)})

    def _ask(self, operation: str, request: dict[str, Any]) -> None:
        account, region = self.caller()
        try:
            tags.handle(self.store, operation, request, account=account, region=region)
        except ServiceError as error:
            raise LookupError(error.message) from error
