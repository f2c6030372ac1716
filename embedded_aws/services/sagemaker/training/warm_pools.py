"""Managed warm pools: what an ended training job leaves for the next one that matches, for a while.

Source: SageMaker's guide, "SageMaker AI Managed Warm Pools". Which job a pool fits: the values that it names under
"Matching training jobs". Instances which a pool retains count among those of training jobs until another takes them
over: its "All warm pool instance usage counts toward your SageMaker training resource limit". Of the longest period it
says 3,600 s and botocore's model 21,600; here the model is followed. Not compared with AWS: the sentences of the
refusals; that the period of UpdateTrainingJob counts from the job's end; that only a job which took a pool over is
InUse. The pool's 28 days are not counted: the embedded AWS is not made to run so long.
"""

from __future__ import annotations

import math
import shutil
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from embedded_aws.services.sagemaker.errors import IN_USE, ServiceError, validation_exception
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from embedded_aws.runtime.containers import AnyContainer, AnyImage
    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext
    from embedded_aws.services.sagemaker.store import Record
    from embedded_aws.warmstart.host import WarmHost

PURPOSE = "training warm pool"
"""What the instances are for, in the words of quotas."""
_STATUS = "WarmPoolStatus"
_RESOURCES = ("InstanceCount", "InstanceType", "VolumeKmsKeyId", "VolumeSizeInGB")
_MEMBERS = ("RoleArn", "EnableInterContainerTrafficEncryption", "EnableNetworkIsolation", "VpcConfig")


def keep_alive_seconds(members: Mapping[str, Any]) -> int:
    """Return for how many seconds a job leaves its instances in a warm pool; 0 if it doesn't."""
    return int(members.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds", 0))


def retains(record: Record) -> bool:
    """Return whether an ended training job has a warm pool to give away."""
    pool: Mapping[str, Any] = record.members.get("WarmPoolStatus", {})
    return record.status in ENDED and pool.get("Status") == "Available"


def fits(kept: Record, wanted: Mapping[str, Any]) -> bool:
    """Return whether the job that `wanted`, a request or members, asks for can take over what `kept` retains."""
    spot = wanted.get("EnableManagedSpotTraining")
    return retains(kept) and not spot and _values(kept.members) == _values(wanted)


def _values(members: Mapping[str, Any]) -> list[Any]:
    resources = members.get("ResourceConfig", {})
    own = [members.get(name) or None for name in _MEMBERS]  # false is what a request leaves out
    return [*own, *(resources.get(name) for name in _RESOURCES), resources.get("InstanceGroups")]


@dataclass(frozen=True, kw_only=True)
class RetainedHost:
    """What an instance of a warm pool has for its next job: `cache`, and a container in which Python may wait."""

    cache: Path
    container: AnyContainer
    image: AnyImage
    warm_host: WarmHost | None = None

    def close(self) -> None:
        """End the Python that waits."""
        if self.warm_host:
            self.warm_host.close()


@dataclass(frozen=True, eq=False)
class WarmPool:
    """The retained hosts of a job by their names, and the folder in which all of it lies."""

    folder: Path
    hosts: Mapping[str, RetainedHost]

    def close(self) -> None:
        """End what waits and remove the folder."""
        for host in self.hosts.values():
            host.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class WarmPools:
    """All warm pools that are Available."""

    def __init__(self, context: ServiceContext) -> None:
        self._context, self._store, self._clock = context, context.store, context.clock
        self._folder = context.state_dir / "warm-pools"
        self._pools: dict[Record, WarmPool] = {}
        self._lock = threading.Lock()
        self._service: ControlPlane

    def bind(self, service: ControlPlane) -> None:
        """Take the service that knows the account's quotas."""
        self._service = service

    def claim(self, record: Record, request: Mapping[str, Any]) -> WarmPool | None:
        """Let a job that begins take over the pool that has waited longest of those which it fits, if there is one."""
        with self._lock:
            found = next((kept for kept in self._pools if _same_account(kept, record) and fits(kept, request)), None)
            if found is None:
                return None
            pool = self._pools.pop(found)
            self._release(found, "Reused", ReusedByJob=record.name)
        self._store.update(record, **{_STATUS: {"Status": "InUse"}})
        return pool

    def retain(
        self, record: Record, retain_hosts: Callable[[Path], Mapping[str, RetainedHost]] | None
    ) -> dict[str, Any]:
        """Keep what a job that ends leaves, if it is to leave something; return the members that its record then has.

        `retain_hosts` is None if there is nothing sound. The pool can be claimed once the record has those members.
        """
        seconds = keep_alive_seconds(record.members)
        if not seconds and _STATUS not in record.members:
            return {}
        if not seconds or retain_hosts is None or not self._service.can_retain_warm_pool(record):
            return {_STATUS: {"Status": "Terminated"}}
        folder = self._folder / uuid4().hex
        with self._lock:
            self._pools[record] = WarmPool(folder, retain_hosts(folder))
        return {_STATUS: {"Status": "Available"}}

    def start_period(self, record: Record) -> None:
        """Begin the period of a pool whose job has ended; nothing for a job without one."""
        if retains(record):
            seconds = keep_alive_seconds(record.members)
            self._clock.after(seconds, partial(self._expire, record, seconds))

    def update_period(self, record: Record, seconds: int) -> None:
        """Keep a pool for so long from its job's end on; 0 ends it.

        Raises ValidationException if it is not Available.
        """
        with self._lock:
            if record not in self._pools or not retains(record):
                status = record.members.get(_STATUS, {}).get("Status", "not there")
                raise validation_exception(
                    "KeepAlivePeriodInSeconds can be updated while the warm pool of a training job is Available; that "
                    f"of {record.name} is {status}."
                )
            resources = {**record.members["ResourceConfig"], "KeepAlivePeriodInSeconds": seconds}
            self._store.update(record, ResourceConfig=resources)
        left = seconds - (self._clock.now() - record.members["TrainingEndTime"]).total_seconds()
        if left > 0:
            self._clock.after(left, partial(self._expire, record, seconds))
        else:
            self._expire(record, seconds)

    def check_deletion(self, record: Record) -> None:
        """Raise ResourceInUse for a job that retains a pool: botocore's model of DeleteTrainingJob says so."""
        if retains(record):
            raise ServiceError(
                IN_USE,
                f"The training job {record.arn} retains an Available warm pool; update its KeepAlivePeriodInSeconds to "
                "0 first.",
            )

    def restore(self, record: Record) -> None:
        """End the pool of a job that ended in an earlier embedded AWS: its instances are gone."""
        if retains(record):
            self._release(record, "Terminated", at=self._context.lost_at(record))

    def discard(self, record: Record) -> None:
        """End the pool of a job that is forgotten, if it has one."""
        with self._lock:
            pool = self._pools.pop(record, None)
        if pool:
            pool.close()

    def close(self) -> None:
        """End all warm pools."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.close()

    def _expire(self, record: Record, seconds: int) -> None:
        """End a pool that nobody has taken over in its period, if that is still its period."""
        with self._lock:
            if record not in self._pools or keep_alive_seconds(record.members) != seconds:
                return
            pool = self._pools.pop(record)
            self._release(record, "Terminated")
        pool.close()

    def _release(self, record: Record, status: str, *, at: datetime | None = None, **members: str) -> None:
        retained = ((at or self._clock.now()) - record.members["TrainingEndTime"]).total_seconds()
        pool_status = {"Status": status, "ResourceRetainedBillableTimeInSeconds": math.ceil(retained), **members}
        self._store.update(record, **{_STATUS: pool_status})


def _same_account(one: Record, other: Record) -> bool:
    return (one.account, one.region) == (other.account, other.region)
