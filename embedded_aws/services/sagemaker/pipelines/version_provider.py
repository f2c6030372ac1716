"""What is asked about the versions of a pipeline: their list, and their own names and descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import listing
from embedded_aws.services.sagemaker.pipelines import lookup, versions
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from embedded_aws.services.sagemaker.resource_types.pipelines import LIST

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.store import Record

_PIPELINE = RESOURCE_TYPES["Pipeline"]
_LAST = "PipelineExecutionArn"


class PipelineVersions(Provider):
    """The provider of pipeline versions."""

    def operate(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """List a pipeline's versions, or update one. Raises ServiceError."""
        pipeline = self.context.store.get(_PIPELINE.name, _PIPELINE.name_of(request), account=account, region=region)
        with pipeline.lock:
            if verb == LIST:
                return self._list(pipeline, request)
            version = versions.find(self.context.store, pipeline, request[versions.NUMBER])
            changes = {name: value for name, value in request.items() if name != _PIPELINE.arn_member}
            self.context.store.update(version, **changes)
            return version.members

    def _list(self, pipeline: Record, request: dict[str, Any]) -> dict[str, Any]:
        versions.keep_latest(self.context.store, pipeline)
        asked = {name: value for name, value in request.items() if name != _PIPELINE.name_member}
        mine = versions.of_pipeline(self.context.store, pipeline)
        found = listing.select(RESOURCE_TYPES["PipelineVersion"], mine, asked)
        descending = request.get("SortOrder", "Descending") == "Descending"
        placed = sorted(
            (([each.members[versions.NUMBER]], self._told(each)) for each in found),
            key=lambda each: int(each[0][0]),
            reverse=descending,
        )
        return lookup.page("PipelineVersionSummaries", placed, request, descending=descending)

    def _told(self, version: Record) -> dict[str, Any]:
        last = versions.last_execution(self.context.store, version)
        return {**version.members, **({f"LastExecution{_LAST}": last[_LAST]} if last else {})}
