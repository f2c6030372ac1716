"""Providers: what a resource type's operations do beyond recording its members."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from embedded_aws.runtime import containers
from embedded_aws.runtime.images import Image
from embedded_aws.services.sagemaker.metrics.datum import of_instance
from embedded_aws.services.sagemaker.metrics.publisher import MetricsPublisher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from embedded_aws.database import Database
    from embedded_aws.runtime.containers import AnyContainer, AnyImage, Docker
    from embedded_aws.runtime.process import Process
    from embedded_aws.runtime.process_group import HostCommand
    from embedded_aws.runtime.sandbox import Bubblewrap
    from embedded_aws.services.sagemaker.authorization import Principal
    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.store import Record, Store

Work: TypeAlias = Callable[[], object]


@dataclass(frozen=True)
class ServiceContext:
    """What all providers share: the store, the clock, and where things are.

    `endpoint_url` is the gateway's own: S3, STS, Logs and CloudWatch are reached there, through boto3, from threads.
    In `state_dir` the folder `notebooks` stays, as the records in `database` do; what else is there ends with the
    gateway. `cache_dir` is where installed images lie. Without `database` nothing is kept, without `bubblewrap`
    containers are no sandboxes, without `docker` there are none of images of one's own. `principal_of` takes a role's
    ARN and returns the principal whose policies are enforced on what SageMaker does in its name, or None where none
    are.
    """

    store: Store
    clock: Clock
    endpoint_url: str
    state_dir: Path
    images_dir: Path
    cache_dir: Path
    database: Database | None = None
    bubblewrap: Bubblewrap | None = None
    docker: Docker | None = None
    principal_of: Callable[[str], Principal | None] = lambda _role_arn: None
    metrics: MetricsPublisher = field(default_factory=MetricsPublisher)

    @property
    def sandboxed(self) -> bool:
        """Return whether its containers are sandboxes, but for those of images of one's own."""
        return self.bubblewrap is not None

    def sandboxes(self, image: AnyImage) -> bool:
        """Return whether its containers of an image are sandboxes."""
        return self.sandboxed and isinstance(image, Image)

    def container(self, folder: Path, image: AnyImage, *, instance_type: str) -> AnyContainer:
        """Make a container of an image, in a folder that is not there yet. Raises EngineError."""
        return containers.make(
            folder, image, bubblewrap=self.bubblewrap, docker=self.docker, instance_type=instance_type
        )

    def lost_at(self, record: Record) -> datetime:
        """Return when an embedded AWS that is gone lost what it ran for a record: it lived then for the last time."""
        now = self.clock.now()
        alive = self.database.before.get("alive", 0.0) if self.database else 0.0
        last: datetime = record.members["LastModifiedTime"]
        return min(now, max(datetime.fromtimestamp(alive, UTC), last))

    def host_watcher(self, record: Record) -> Callable[[HostCommand, Process], None]:
        """Return a function that measures what a job's host uses, to be called with each host as its process starts."""
        return lambda host, process: self.metrics.instances.watch(of_instance(record, host.name), process, host.folder)

    def job_folder(self, record: Record) -> Path:
        """Return a folder for a job to work in, not yet made; a later job of the same name gets another."""
        return self.state_dir / "jobs" / record.arn.rpartition("/")[2] / str(time.time_ns())


class ControlPlane(Protocol):
    """The whole SageMaker, for a provider that carries out other resource types' operations."""

    def call(
        self,
        operation: str,
        document: dict[str, Any],
        *,
        account: str,
        region: str,
        principal: Principal | None = None,
        system_tags: Mapping[str, str] | None = None,
        system_members: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Carry out an operation of the control plane; without a principal no policies are checked.

        `system_tags` and `system_members` are those that only AWS may give what is created. Raises ServiceError.
        """

    def within_quotas(self, record: Record, request: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Let something more be taken up in the block, which nothing else is meanwhile.

        Raises ResourceLimitExceeded if a quota of the account has no room for it.
        """

    def can_retain_warm_pool(self, record: Record) -> bool:
        """Return whether the account's quotas have room for an ended training job's instances in a warm pool."""


class Provider:
    """The provider of a resource type that is only recorded: created at once, deleted at once. Others inherit from it.

    Its methods are called on worker threads, never on the gateway's event loop: they may ask other services something
    short, and leave long work to daemon threads. A `ServiceError` refuses the operation.
    """

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def bind(self, service: ControlPlane) -> None:
        """Take the service that this provider belongs to; called once, before any operation."""

    @contextmanager
    def naming(
        self, resource_type: ResourceType, request: Mapping[str, Any], *, account: str, region: str
    ) -> Iterator[str]:
        """Yield the name of what a Create request makes; what it depends on stays as it is in the block."""
        del account, region
        yield request[resource_type.name_member]

    def made_before(self, request: Mapping[str, Any], *, account: str, region: str) -> Record | None:
        """Return what this very request has made already, if the type's requests have a token that tells."""

    def described(self, resource_type: ResourceType, request: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return what a Create request says of the resource that it makes under this name, as Describe tells it."""
        del name
        return resource_type.described(request)

    def describe(self, record: Record, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a Describe request is answered."""
        del request
        return record.members

    def changed(self, record: Record, verb: str) -> dict[str, Any]:
        """Return what a request that has changed, started, stopped or deleted a resource is answered."""
        del verb
        return record.members

    def create(self, record: Record, request: dict[str, Any]) -> Work | None:
        """Check what the request refers to; return what starts the work, which is called once the record is kept.

        If either raises, the record is removed.
        """

    def restore(self, record: Record) -> Work | None:
        """Bring back what a record says that there was when the last embedded AWS ended, however it did.

        Called before the port answers, when all that there is of it is the record; return what is left to do, which is
        called, on a thread, once other services can be asked.
        """

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Record the request's members; the name stays as it was written first."""
        changes = {name: value for name, value in request.items() if name != record.resource_type.name_member}
        self.context.store.update(record, **changes)

    def start(self, record: Record) -> None:
        """Start a stopped resource."""
        raise NotImplementedError(f"{record.resource_type.name} cannot be started")

    def stop(self, record: Record) -> None:
        """Stop a running resource."""
        raise NotImplementedError(f"{record.resource_type.name} cannot be stopped")

    def perform(self, verb: str, record: Record, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out any other operation, without the record's lock: others go on meanwhile. Return its answer."""
        raise NotImplementedError(f"{record.resource_type.name} has no {verb}")

    def operate(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Carry out an operation of the type's own verbs. Return its answer."""
        raise NotImplementedError(f"{verb} with {request.keys()} has no provider in {account}, {region}")

    def delete(self, record: Record) -> None:
        """Remove the record."""
        self.context.store.remove(record)

    def discard(self, record: Record) -> None:
        """Forget a resource, whatever its status, and end what runs for it: its account is closed."""
        self.context.store.remove(record)

    def close(self) -> None:
        """End everything that runs, because the gateway ends."""
