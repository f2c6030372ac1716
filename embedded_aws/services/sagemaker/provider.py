"""What a kind of resource does beyond being recorded."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from embedded_aws.services.sagemaker.metrics.datum import of_instance
from embedded_aws.services.sagemaker.metrics.publisher import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embedded_aws.runtime.process import Process
    from embedded_aws.runtime.process_group import Host
    from embedded_aws.services.sagemaker.authorization import Principal
    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.store import Record, Store


@dataclass(frozen=True)
class Context:
    """What every behaviour is given.

    `endpoint_url` is the gateway's own: S3, STS, Logs and CloudWatch are reached there, through boto3, from threads.
    `state_dir` ends with the gateway; `cache_dir`, where installed images lie, outlives it. `principal_of` answers the
    role of an ARN where policies are enforced on what SageMaker does in its name.
    """

    store: Store
    clock: Clock
    endpoint_url: str
    state_dir: Path
    images_dir: Path
    cache_dir: Path
    principal_of: Callable[[str], Principal | None] = lambda _role: None
    metrics: Metrics = field(default_factory=Metrics)

    def watch(self, record: Record) -> Callable[[Host, Process], None]:
        """Measure what the hosts of a job use: to be told of each as it starts."""
        return lambda host, process: self.metrics.instances.watch(of_instance(record, host.name), process, host.folder)

    def job_folder(self, record: Record) -> Path:
        """A folder for a job to work in, not yet made; a job of a name that was used before gets another."""
        return self.state_dir / "jobs" / record.arn.rpartition("/")[2] / str(time.time_ns())


class Service(Protocol):
    """The whole service, for what is made of other kinds' operations."""

    def call(self, operation: str, document: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Carry out one operation of the control plane, asking nobody's policies. Raises ServiceError."""

    def can_retain_warm_pool(self, record: Record) -> bool:
        """Whether the account's quotas have room for the instances of an ended training job in a warm pool."""


class Provider:
    """A plain record: created at once, deleted at once.

    Its methods are called on worker threads, never on the gateway's event loop: they may ask other services something
    short, and leave long work to daemon threads. A `ServiceError` refuses the operation.
    """

    def __init__(self, context: Context) -> None:
        self.context = context

    def bind(self, service: Service) -> None:
        """Learn of the service that it is a part of, once, before any operation."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check what the request refers to, set the first status, start the work. Raising: nothing is recorded."""

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Take the request's members over; the name stays as it was written first."""
        changes = {name: value for name, value in request.items() if name != record.resource_type.name_member}
        self.context.store.update(record, **changes)

    def start(self, record: Record) -> None:
        """Start a stopped resource."""
        raise NotImplementedError(f"{record.resource_type.name} cannot be started")

    def stop(self, record: Record) -> None:
        """Stop what runs."""
        raise NotImplementedError(f"{record.resource_type.name} cannot be stopped")

    def perform(self, verb: str, record: Record, request: dict[str, Any]) -> dict[str, Any]:
        """Answer an operation that changes nothing of the record's; others go on meanwhile."""
        raise NotImplementedError(f"{record.resource_type.name} has no {verb}")

    def delete(self, record: Record) -> None:
        """Forget the record."""
        self.context.store.remove(record)

    def close(self) -> None:
        """End all that runs: the gateway ends."""
