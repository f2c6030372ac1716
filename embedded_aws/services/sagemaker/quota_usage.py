"""Instances in use, by instance type, and the error for what would exceed a quota of the account.

There is a quota for each type and purpose, and one over all types for each purpose. The sentence is AWS's, as users
quote it. What counts: notebook instances from Pending until they have stopped, jobs of any kind until they have ended
(those on spot instances by themselves), endpoints unless they are Failed or going. Over all types, notebook instances
count as long as they are there, stopped or not: so counts CloudFormation's own `rain forecast`. An endpoint's update
needs room for its new instances beside those that serve, one of its variants' for those that come, a new tuning job for
as many training jobs as it may run at a time; itself it takes none. A warm pool's count as a training job's until
another takes them over (`training.warm_pools`), and as the pool's; where its quota has no room nothing is retained, as
SageMaker's guide says. How many pipelines there are is a quota too, whose sentence SageMaker's guide to scheduled
notebook jobs has, and how many of their executions have not ended. Not compared with AWS: when exactly an instance
stops counting; which quota is told first if two are used up; the unit of executions; that a retry counts as one.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from embedded_aws.services.sagemaker import serverless_quotas
from embedded_aws.services.sagemaker.errors import quota_exceeded
from embedded_aws.services.sagemaker.resource_types.endpoints import DEPLOYMENT, PENDING_DEPLOYMENT
from embedded_aws.services.sagemaker.resource_types.tuning import training_resources
from embedded_aws.services.sagemaker.training import warm_pools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.services.sagemaker.store import Record, Store


# The resource type that uses the instances which a resource of another type asks for.
_USERS = {"HyperParameterTuningJob": "TrainingJob"}


# The quotas over all instance types, by usage.
_ACROSS = {
    "endpoint": "Number of instances across active endpoints",
    "processing job": "Number of instances across all processing jobs",
    "spot training job": "Number of instances across all spot training jobs",
    "training job": "Number of instances across all training jobs",
    "transform job": "Number of instances across all transform jobs",
}
_NOTEBOOKS = "Total number of notebook instances"
# The quotas of how many there may be of a type, with the unit in the error's sentence.
_NUMBERS = {
    "Pipeline": ("Maximum number of pipelines allowed per account", "Pipelines"),
    "PipelineExecution": ("Maximum number of concurrent pipeline executions allowed per account", "PipelineExecutions"),
}


class QuotaLookup(Protocol):
    """Looks up an account's quota by its name."""

    def __call__(self, name: str, *, account: str, region: str) -> float | None:
        """Return how many instances may be in use at once; None: any number."""


def unlimited(name: str, *, account: str, region: str) -> None:
    """Return None: the quota of an account without quotas."""
    del name, account, region


def check(store: Store, quota: QuotaLookup, record: Record, request: Mapping[str, Any]) -> None:
    """Raise ResourceLimitExceeded if the quotas have no room for what a request, or members, ask for."""
    if record.resource_type.name in _NUMBERS:
        _check_number(store, quota, record)
    if record.resource_type.quota_usage:
        _check_instances(store, quota, record, request)


def _check_instances(store: Store, quota: QuotaLookup, record: Record, request: Mapping[str, Any]) -> None:
    resource_type = record.resource_type
    usage = _usage(record, request)
    user = _USERS.get(resource_type.name, resource_type.name)
    others = store.all(user, account=record.account, region=record.region)
    taken_over = next((other for other in others if warm_pools.fits(other, request)), None)
    used: Counter[str] = Counter()
    for other in others:
        counts = other.status not in other.resource_type.idle_statuses or warm_pools.retains(other)
        if counts and other is not taken_over and _usage(other, other.members) == usage:
            used += _instances(store, other, other.members)
    needed = _instances(store, record, request)

    def check_quota(name: str, used: int, delta: int, unit: str = "Instances") -> None:
        allowed = quota(name, account=record.account, region=record.region)
        if delta and allowed is not None and used + delta > allowed:
            raise quota_exceeded(name, allowed, used, delta, unit)

    for instance_type, delta in needed.items():
        check_quota(_name(instance_type, usage), used[instance_type], delta)
    if usage in _ACROSS:
        check_quota(_ACROSS[usage], used.total(), needed.total())
        if resource_type.name == "Endpoint":
            limit = partial(quota, account=record.account, region=record.region)
            serverless_quotas.check(store, limit, record, request)
    elif record not in others:  # one that is started is there already
        check_quota(_NOTEBOOKS, len(others), 1, "NotebookInstances")


def _check_number(store: Store, quota: QuotaLookup, record: Record) -> None:
    """Raise ResourceLimitExceeded if there may be no more of a record's type, beside those that have ended."""
    name, unit = _NUMBERS[record.resource_type.name]
    ended = record.resource_type.idle_statuses
    others = store.all(record.resource_type.name, account=record.account, region=record.region)
    used = sum(other is not record and other.status not in ended for other in others)
    allowed = quota(name, account=record.account, region=record.region)
    if allowed is not None and used + 1 > allowed:
        raise quota_exceeded(name, allowed, used, 1, unit)


def _name(instance_type: str, usage: str) -> str:
    return f"{instance_type} for {usage} usage"


def can_retain_warm_pool(store: Store, quota: QuotaLookup, record: Record) -> bool:
    """Return whether the quotas have room for a training job's instances in a warm pool."""
    used: Counter[str] = Counter()
    for other in store.all(record.resource_type.name, account=record.account, region=record.region):
        if warm_pools.retains(other):
            used += _instances(store, other, other.members)
    for instance_type, count in _instances(store, record, record.members).items():
        allowed = quota(_name(instance_type, warm_pools.PURPOSE), account=record.account, region=record.region)
        if allowed is not None and used[instance_type] + count > allowed:
            return False
    return True


def _usage(record: Record, members: Mapping[str, Any]) -> str:
    """Return what the instances are used for, in the words of quotas; spot instances have quotas of their own."""
    spot = members.get("TrainingJobDefinition", members).get("EnableManagedSpotTraining")
    return f"spot {record.resource_type.quota_usage}" if spot else record.resource_type.quota_usage


def _instances(store: Store, record: Record, members: Mapping[str, Any]) -> Counter[str]:
    """Return how many instances of each type these members ask for."""
    match record.resource_type.name:
        case "TrainingJob":
            counted = _of_training(members)
        case "HyperParameterTuningJob":
            parallel = members["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"]
            counted = _of_training(members.get("TrainingJobDefinition", {})) * parallel
        case "TransformJob":
            resources = members["TransformResources"]
            counted = [(resources["InstanceType"], resources["InstanceCount"])]
        case "ProcessingJob":
            resources = members["ProcessingResources"]["ClusterConfig"]
            counted = (
                [(resources["InstanceType"], resources.get("InstanceCount", 1))] if "InstanceType" in resources else []
            )
        case "Endpoint" if "DesiredWeightsAndCapacities" in members:
            counted = _of_changes(record.members[DEPLOYMENT], members["DesiredWeightsAndCapacities"])
        case "Endpoint" if fleets := [members[each] for each in (DEPLOYMENT, PENDING_DEPLOYMENT) if each in members]:
            counted = [one for fleet in fleets for one in _of_variants(fleet)]
        case "Endpoint":
            name = members["EndpointConfigName"]
            config = store.find("EndpointConfig", name, account=record.account, region=record.region)
            counted = _of_variants(config.members) if config else []
        case _:
            counted = [(members["InstanceType"], 1)]
    total: Counter[str] = Counter()
    for instance_type, count in counted:
        total[instance_type] += count
    return total


def _of_training(members: Mapping[str, Any]) -> list[tuple[str, int]]:
    resources = training_resources(members)
    groups = resources.get("InstanceGroups") or [resources]
    return [(group["InstanceType"], group.get("InstanceCount", 0)) for group in groups if "InstanceType" in group]


def _of_changes(fleet: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Return how many instances more the variants want that a fleet has."""
    wanted = {each["VariantName"]: each.get("DesiredInstanceCount", 0) for each in changes}
    every = [*fleet["ProductionVariants"], *fleet.get("ShadowProductionVariants", ())]
    variants = [each for each in every if each["VariantName"] in wanted and "InstanceType" in each]
    return [
        (instance_type, max(wanted[each["VariantName"]] - count, 0))
        for each, (instance_type, count) in zip(variants, _of_variants({"ProductionVariants": variants}), strict=True)
    ]


def _of_variants(config: Mapping[str, Any]) -> list[tuple[str, int]]:
    variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]
    return [(one["InstanceType"], one.get("InitialInstanceCount", 1)) for one in variants if "InstanceType" in one]
