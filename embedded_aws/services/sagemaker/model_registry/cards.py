"""Model cards: created, changed version by version, described as any of them.

Rules: botocore's model of UpdateModelCard (content and status not in a single call) and of ModelCardStatus (an archived
card is updated no more).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import listing
from embedded_aws.services.sagemaker.errors import NOT_FOUND, ServiceError, validation_exception
from embedded_aws.services.sagemaker.model_registry import card_content
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.resource_types.model_cards import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.store import Record

_VERSION, _STATUS = "ModelCardVersion", "ModelCardStatus"
_OF_A_VERSION = (_VERSION, _STATUS, "Content", "CreationTime", "LastModifiedTime")


class ModelCards(Provider):
    """SageMaker's model cards."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check the content, and keep it as the first version."""
        card_content.check(request["Content"], card_content.OF_MODELS)
        self.context.store.update(record, **{VERSIONS: [_version(record.members)]})

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Make a version of a new content, or change the status of the last one."""
        if "Content" in request and _STATUS in request:
            raise validation_exception("Content and ModelCardStatus can't be updated in a single call.")
        card_content.check(request.get("Content"), card_content.OF_MODELS)
        versions = record.members[VERSIONS]
        now = self.context.clock.now()
        changed = {**record.members, **{name: request[name] for name in ("Content", _STATUS) if name in request}}
        changed["LastModifiedTime"] = now
        if "Content" in request:
            changed |= {_VERSION: record.members[_VERSION] + 1}
            versions = [*versions, {**_version(changed), "CreationTime": now}]
        else:
            versions = [*versions[:-1], {**_version(changed), "CreationTime": versions[-1]["CreationTime"]}]
        self.context.store.update(
            record, **{name: changed[name] for name in ("Content", _STATUS, _VERSION)}, **{VERSIONS: versions}
        )

    def describe(self, record: Record, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the version that is asked for, the last if none is; MetadataOnly leaves most of the content out."""
        described = dict(record.members)
        if (number := request.get(_VERSION)) is not None:
            found = next((each for each in record.members[VERSIONS] if each[_VERSION] == number), None)
            if found is None:
                raise ServiceError(NOT_FOUND, f"Model card {record.arn} has no version {number}.")
            described |= {name: found[name] for name in (_VERSION, _STATUS, "Content", "LastModifiedTime")}
        if request.get("IncludedData") == "MetadataOnly":
            described["Content"] = card_content.metadata(described["Content"])
        return described

    def perform(self, verb: str, record: Record, request: dict[str, Any]) -> dict[str, Any]:
        """Return a page of the card's versions."""
        del verb  # there is one
        asked = {**request, "SortBy": _VERSION}  # the only order that there is
        filters = {name: value for name, value in asked.items() if name != record.resource_type.name_member}
        kept = [dataclasses.replace(record, members={**record.members, **each}) for each in record.members[VERSIONS]]
        page, token = listing.page(record.resource_type, listing.select(record.resource_type, kept, filters), asked)
        answer: dict[str, Any] = {"ModelCardVersionSummaryList": [each.members for each in page]}
        return {**answer, "NextToken": token} if token else answer


def _version(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: members[name] for name in _OF_A_VERSION}
