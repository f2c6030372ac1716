"""Counts of the instances that SageMaker's resources have, by type: AWS bills them, and its quotas count them.

`name` of a job's type is the one in the names of quotas, as in "ml.m5.large for training job usage". Members are
botocore's. The trials of a tuning job are training jobs, so that it has no instances of its own. Not compared with AWS:
when exactly an instance begins and stops to count.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.aws.prices import InstanceUse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

Instances = Counter[str]  # by type

ENDPOINT_WITHOUT_INSTANCES = {"Failed", "OutOfService", "Deleting"}  # states of an endpoint that has no instances
NOTEBOOK_WITHOUT_INSTANCE = {"Stopped", "Failed", "Deleting"}  # states of a notebook instance that does not run
NOTEBOOK_IN_SERVICE = frozenset({"InService", "PendingMaintenance"})  # states in which a notebook answers
JOB_WITH_INSTANCES = ("InProgress", "Stopping")  # states of a job that has instances


@dataclass(frozen=True)
class JobType:
    """A type of job: its name, what begins the names of its members, and where a description has its instances."""

    name: str
    stem: str
    use: InstanceUse
    resources: tuple[str, ...]

    @property
    def name_member(self) -> str:
        """Return the member with a job's name."""
        return f"{self.stem}JobName"

    def status(self, described: Mapping[str, Any]) -> str:
        """Return a job's status."""
        return str(described[f"{self.stem}JobStatus"])

    def started(self, described: Mapping[str, Any]) -> datetime | None:
        """Return when a job got its instances; None while it waits for them."""
        return described.get(f"{self.stem}StartTime")

    def ended(self, described: Mapping[str, Any]) -> datetime | None:
        """Return when a job gave its instances back; None while it has them."""
        return described.get(f"{self.stem}EndTime")

    def listed(self, sagemaker: Any, **only: Any) -> list[str]:
        """List the names of the account's jobs, or of those that the filters let through."""
        pages = sagemaker.get_paginator(f"list_{self._noun}s").paginate(**only)
        return [each[self.name_member] for page in pages for each in page[f"{self.stem}JobSummaries"]]

    def describe(self, sagemaker: Any, name: str) -> dict[str, Any]:
        """Return a job as it is now. Raises ClientError."""
        described: dict[str, Any] = getattr(sagemaker, f"describe_{self._noun}")(**{self.name_member: name})
        return described

    def retained(self, described: Mapping[str, Any]) -> bool:
        """Return whether a job that has ended keeps its instances in a warm pool for the next one."""
        return bool(described.get("WarmPoolStatus", {}).get("Status") == "Available")

    def retained_seconds(self, described: Mapping[str, Any]) -> int:
        """Return for how many seconds after the job's end a warm pool was billed that has ended."""
        return int(described.get("WarmPoolStatus", {}).get("ResourceRetainedBillableTimeInSeconds", 0))

    def instances(self, described: Mapping[str, Any]) -> Instances:
        """Count a job's instances."""
        resources = described
        for member in self.resources:
            resources = resources[member]
        groups = resources.get("InstanceGroups") or [resources]
        return _counted((each["InstanceType"], each.get("InstanceCount", 1)) for each in groups if _typed(each))

    @property
    def _noun(self) -> str:
        return f"{self.stem.lower()}_job"


TRAINING = JobType("training job", "Training", InstanceUse.TRAINING, ("ResourceConfig",))
PROCESSING = JobType("processing job", "Processing", InstanceUse.PROCESSING, ("ProcessingResources", "ClusterConfig"))
TRANSFORM = JobType("transform job", "Transform", InstanceUse.TRANSFORM, ("TransformResources",))
JOBS = (TRAINING, PROCESSING, TRANSFORM)


def of_endpoint(sagemaker: Any, described: Mapping[str, Any]) -> Instances:
    """Count an endpoint's: as many as serve now, or as its configuration asks for while none do. Raises ClientError.

    Shadow variants have instances too; serverless ones have none.
    """
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    now = {each["VariantName"]: each.get("CurrentInstanceCount") for each in _variants(described)}
    return _counted(
        (each["InstanceType"], now.get(each["VariantName"]) or each.get("InitialInstanceCount", 1))
        for each in _variants(config)
        if _typed(each)
    )


def serverless_of_endpoint(described: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Return variant, megabytes and greatest number of requests at once, of what of an endpoint has no instances."""
    configs = {each["VariantName"]: each.get("CurrentServerlessConfig") for each in _variants(described)}
    return [(name, each["MemorySizeInMB"], each["MaxConcurrency"]) for name, each in configs.items() if each]


def _variants(holder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*holder.get("ProductionVariants", ()), *holder.get("ShadowProductionVariants", ())]


def _typed(holder: Mapping[str, Any]) -> bool:
    return "InstanceType" in holder


def _counted(each: Iterable[tuple[str, int]]) -> Instances:
    total: Instances = Counter()
    for instance_type, count in each:
        total[instance_type] += count
    return total
