"""Model package groups: plain records with a resource policy, which go once they hold no model package.

`… cannot be deleted because it still contains Model Packages`: terraform destroy, as its users quote it; the code is
the only one that botocore's model declares. Not compared with AWS: the sentence about a policy that is no document.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import CONFLICT, ServiceError, validation_exception
from embedded_aws.services.sagemaker.model_registry import versions
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.resource_types.model_registry import GET_POLICY, POLICY, PUT_POLICY

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.store import Record


class ModelPackageGroups(Provider):
    """The groups of the model registry."""

    def perform(self, verb: str, record: Record, request: dict[str, Any]) -> dict[str, Any]:
        """Set, return or delete a group's resource policy."""
        if verb == PUT_POLICY:
            _check_policy(request[POLICY])
            self.context.store.update(record, **{POLICY: request[POLICY]})
        elif POLICY not in record.members:
            raise validation_exception(f"Cannot find resource policy for: {record.arn}")
        elif verb != GET_POLICY:
            self.context.store.update(record, **{POLICY: None})
        return record.members

    def delete(self, record: Record) -> None:
        """Remove a group that is empty."""
        if versions.of_group(self.context.store, record):
            raise ServiceError(
                CONFLICT,
                f"Model Package Group {record.arn} cannot be deleted because it still contains Model Packages",
            )
        super().delete(record)


def _check_policy(text: str) -> None:
    try:
        policy = json.loads(text)
    except ValueError as error:
        raise validation_exception(f"ResourcePolicy must be a policy in JSON: {error}.") from error
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise validation_exception("ResourcePolicy must be a policy in JSON: an object with a Statement.")
