"""The quotas of serverless endpoints: how many there are, their concurrency in all, and the memory of one.

The sentence, with its unit, is AWS's for the memory; that the concurrency of all is asked about when an endpoint is
created or updated, and that an update counts once: users' notes of L-96300102. How many there may be: SageMaker's
guide, "Deploy models with Amazon SageMaker Serverless Inference". Not compared with AWS: the name of that quota; the
units of the other two in the sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import quota_exceeded
from embedded_aws.services.sagemaker.resource_types.endpoints import DEPLOYMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from embedded_aws.services.sagemaker.store import Record, Store

ENDPOINTS = "Number of serverless endpoints"
CONCURRENCY = "Maximum total concurrency that can be allocated across all serverless endpoints"
MEMORY = "Memory size in MB per serverless endpoint"
NAMES = (ENDPOINTS, CONCURRENCY, MEMORY)
_CONFIG = "ServerlessConfig"


def check(store: Store, limit: Callable[[str], float | None], record: Record, request: Mapping[str, Any]) -> None:
    """Raise ResourceLimitExceeded if the quotas have no room for what an endpoint asks for.

    `limit` returns a quota by its name; None: any number.
    """
    wanted = _wanted(store, record, request)
    if not wanted:
        return
    others = store.all(record.resource_type.name, account=record.account, region=record.region)
    used = [each for other in others if other is not record for each in _serverless(other.members.get(DEPLOYMENT))]
    sizes = max(each["MemorySizeInMB"] for each in wanted)
    before = _serverless(record.members.get(DEPLOYMENT))
    asked = {
        ENDPOINTS: (len(used) + len(before), len(wanted) - len(before), "Endpoints"),
        CONCURRENCY: (_concurrency(used) + _concurrency(before), _concurrency(wanted) - _concurrency(before), "Units"),
        MEMORY: (0, sizes, "MBs"),
    }
    for name, (current, delta, unit) in asked.items():
        allowed = limit(name)
        if allowed is not None and delta > 0 and current + delta > allowed:
            raise quota_exceeded(name, allowed, current, delta, unit)


def _wanted(store: Store, record: Record, request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the ServerlessConfigs that an endpoint asks for."""
    if changes := request.get("DesiredWeightsAndCapacities"):
        updates = {each["VariantName"]: each.get("ServerlessUpdateConfig", {}) for each in changes}
        return [
            {**variant[_CONFIG], **updates.get(variant["VariantName"], {})}
            for variant in record.members[DEPLOYMENT]["ProductionVariants"]
            if _CONFIG in variant
        ]
    scope = {"account": record.account, "region": record.region}
    config = store.find("EndpointConfig", request.get("EndpointConfigName", ""), **scope)
    return _serverless(config.members if config else None)


def _serverless(config: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    variants: Sequence[Mapping[str, Any]] = config["ProductionVariants"] if config else ()
    return [variant[_CONFIG] for variant in variants if _CONFIG in variant]


def _concurrency(configs: Sequence[Mapping[str, Any]]) -> int:
    return sum(each["MaxConcurrency"] for each in configs)
