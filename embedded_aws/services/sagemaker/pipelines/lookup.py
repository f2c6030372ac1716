"""Where executions are found: by their pipeline, or by their ARN; and pages of what one of them has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import listing
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.store import Record, Store

EXECUTION = RESOURCE_TYPES["PipelineExecution"]


def executions_of(store: Store, record: Record) -> list[Record]:
    """Return a pipeline's executions, or all of an execution's pipeline, in the order of their start."""
    every = store.all(EXECUTION.name, account=record.account, region=record.region)
    return [each for each in every if each.members["PipelineArn"] == record.members["PipelineArn"]]


def find_execution(store: Store, request: Mapping[str, Any], *, account: str, region: str) -> Record:
    """Return the execution that a request names. Raises AWS's not-found error."""
    arn = request.get("PipelineExecutionArn")
    if arn is None:
        raise validation_exception("Give the PipelineExecutionArn of the execution whose steps are asked for.")
    name = arn.partition(":pipeline/")[2]
    found = store.find(EXECUTION.name, name, account=account, region=region)
    if found is None or found.arn.lower() != arn.lower():
        raise ServiceError(EXECUTION.not_found_code, EXECUTION.not_found.format(arn=arn))
    return found


def of_token(store: Store, token: str, *, account: str, region: str) -> tuple[Record, str] | None:
    """Return the execution, and the name of its callback step, that a token was given out for; None if none was."""
    for record in store.all(EXECUTION.name, account=account, region=region):
        for name, state in record.members["Steps"].items():
            if state["Metadata"].get("Callback", {}).get("CallbackToken") == token:
                return record, name
    return None


def page(
    member: str, items: list[tuple[list[Any], Any]], request: dict[str, Any], *, descending: bool = False
) -> dict[str, Any]:
    """Return the answer of a List operation whose member holds what stands in the order of these positions."""
    found, token = listing.page_of(items, EXECUTION, request, descending=descending)
    return {member: found, "NextToken": token} if token else {member: found}
