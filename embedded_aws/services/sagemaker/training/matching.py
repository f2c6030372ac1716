"""Which training job a warm pool fits: the values that SageMaker's guide names under "Matching training jobs".

Instances which a pool retains count among those of training jobs until another takes them over: its "All warm pool
instance usage counts toward your SageMaker training resource limit".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.store import Record

PURPOSE = "training warm pool"
"""What the instances are for, in the words of quotas."""
_RESOURCES = ("InstanceCount", "InstanceType", "VolumeKmsKeyId", "VolumeSizeInGB")
_MEMBERS = ("RoleArn", "EnableInterContainerTrafficEncryption", "EnableNetworkIsolation", "VpcConfig")


def keep_alive(members: Mapping[str, Any]) -> int:
    """For how many seconds a job leaves its instances in a warm pool; 0 if it doesn't."""
    return int(members.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds", 0))


def retains(record: Record) -> bool:
    """Whether an ended training job has a warm pool to give away."""
    pool: Mapping[str, Any] = record.members.get("WarmPoolStatus", {})
    return record.status in ENDED and pool.get("Status") == "Available"


def fits(kept: Record, wanted: Mapping[str, Any]) -> bool:
    """Whether the job that `wanted`, a request or members, asks for can take over what `kept` retains."""
    spot = wanted.get("EnableManagedSpotTraining")
    return retains(kept) and not spot and _values(kept.members) == _values(wanted)


def _values(members: Mapping[str, Any]) -> list[Any]:
    resources = members.get("ResourceConfig", {})
    own = [members.get(name) or None for name in _MEMBERS]  # false is what a request leaves out
    return [*own, *(resources.get(name) for name in _RESOURCES), resources.get("InstanceGroups")]
