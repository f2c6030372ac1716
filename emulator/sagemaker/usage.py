"""How many instances of each type are in use, and the refusal of what would go beyond the account's quota.

The sentence is AWS's, as users quote it. What counts: notebook instances from Pending until they have stopped, jobs of
any kind until they have ended (those on spot instances by themselves), endpoints unless they are Failed or going. An
endpoint's update needs room for its new instances beside those that serve, a new tuning job for as many training jobs
as it may run at a time; itself it takes none. A warm pool's count as a training job's until another takes them over
(`training.matching`), and as the pool's; where its quota has no room nothing is retained, as SageMaker's guide says.
Not compared with AWS: when exactly an instance stops counting. An endpoint whose configuration is gone counts nothing
here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from emulator.sagemaker.errors import limit
from emulator.sagemaker.training import matching

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.sagemaker.store import Record, Store


# What uses the instances that a resource of another kind asks for.
_USED_BY = {"HyperParameterTuningJob": "TrainingJob"}


class Quota(Protocol):
    """The account's quota of an instance type for a purpose; None where nobody limits it."""

    def __call__(self, instance_type: str, usage: str, *, account: str, region: str) -> float | None:
        """As many instances as may be in use at once."""


def unlimited(instance_type: str, usage: str, *, account: str, region: str) -> None:
    """The quota of an account that has none."""
    del instance_type, usage, account, region


def check(store: Store, quota: Quota, record: Record, wanted: Mapping[str, Any]) -> None:
    """Raise ResourceLimitExceeded if there is no room for what `wanted`, a request or members, asks of the record."""
    kind = record.kind
    if not kind.usage:
        return
    purpose = _purpose(record, wanted)
    used: Counter[str] = Counter()
    others = store.all(_USED_BY.get(kind.name, kind.name), account=record.account, region=record.region)
    taken_over = next((other for other in others if matching.fits(other, wanted)), None)
    for other in others:
        counts = other.status not in other.kind.idle or matching.retains(other)
        if counts and other is not taken_over and _purpose(other, other.members) == purpose:
            used += _instances(store, other, other.members)
    for instance_type, delta in _instances(store, record, wanted).items():
        allowed = quota(instance_type, purpose, account=record.account, region=record.region)
        if allowed is not None and used[instance_type] + delta > allowed:
            raise limit(
                f"The account-level service limit '{instance_type} for {purpose} usage' is {allowed:.0f} "
                f"Instances, with current utilization of {used[instance_type]} Instances and a request delta of "
                f"{delta} Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
                "Service Quotas is not available, contact AWS support to request an increase for this quota."
            )


def may_retain(store: Store, quota: Quota, record: Record) -> bool:
    """Whether there is room in a warm pool for the instances of a training job."""
    used: Counter[str] = Counter()
    for other in store.all(record.kind.name, account=record.account, region=record.region):
        if matching.retains(other):
            used += _instances(store, other, other.members)
    for instance_type, count in _instances(store, record, record.members).items():
        allowed = quota(instance_type, matching.PURPOSE, account=record.account, region=record.region)
        if allowed is not None and used[instance_type] + count > allowed:
            return False
    return True


def _purpose(record: Record, members: Mapping[str, Any]) -> str:
    """What the instances are for, in the words of quotas; spot instances have quotas of their own."""
    spot = members.get("TrainingJobDefinition", members).get("EnableManagedSpotTraining")
    return f"spot {record.kind.usage}" if spot else record.kind.usage


def _instances(store: Store, record: Record, members: Mapping[str, Any]) -> Counter[str]:
    """How many instances of each type these members stand for."""
    match record.kind.name:
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
        case "Endpoint":
            config = store.find(
                "EndpointConfig", members["EndpointConfigName"], account=record.account, region=record.region
            )
            counted = _of_variants(config.members) if config else []
        case _:
            counted = [(members["InstanceType"], 1)]
    total: Counter[str] = Counter()
    for instance_type, count in counted:
        total[instance_type] += count
    return total


def _of_training(members: Mapping[str, Any]) -> list[tuple[str, int]]:
    resources = members.get("ResourceConfig", {})
    groups = resources.get("InstanceGroups") or [resources]
    return [(group["InstanceType"], group.get("InstanceCount", 0)) for group in groups if "InstanceType" in group]


def _of_variants(config: Mapping[str, Any]) -> list[tuple[str, int]]:
    variants = config["ProductionVariants"]
    return [(one["InstanceType"], one.get("InitialInstanceCount", 1)) for one in variants if "InstanceType" in one]
