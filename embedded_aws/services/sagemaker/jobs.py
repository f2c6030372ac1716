"""What all jobs have in common: which of them run, how they are stopped, and that none outlives the gateway."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from embedded_aws.runtime.credentials import CredentialsEndpoint, aws_access
from embedded_aws.services.sagemaker.failure import INSTANCE_LOST
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED
from embedded_aws.services.sagemaker.roles import assumed_role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import ServiceContext, Work
    from embedded_aws.services.sagemaker.store import Record


@dataclass(frozen=True, eq=False)
class Job:
    """One job as its run knows it: its record and request, the role that it acts as, and where things are."""

    record: Record
    request: Mapping[str, Any]
    context: ServiceContext
    role: Role
    credentials: CredentialsEndpoint

    def update(self, **members: Any) -> None:
        """Record members of Describe's answer."""
        self.context.store.update(self.record, **members)

    def aws_access(self, *, isolated: bool) -> AbstractContextManager[dict[str, str]]:
        """Give the variables with which the job's containers reach AWS, for as long as the block runs."""
        return aws_access(self.credentials, self.role, endpoint_url=self.context.endpoint_url, isolated=isolated)


class Run(Protocol):
    """One run of a job."""

    def execute(self) -> None:
        """Do the work, to its end."""

    def stop(self) -> bool:
        """Ask it to end; return whether it was still at work."""

    def kill(self) -> None:
        """End it at once."""


class Jobs(Provider):
    """The jobs of one type, each on a thread of its own. `end_time` is the member that says when one has ended."""

    end_time: ClassVar[str]

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self.credentials = CredentialsEndpoint()
        self._runs: dict[Record, Run] = {}
        self._lock = threading.Lock()

    def role(self, record: Record, arn: str) -> Role:
        """Return the role that a job acts as; see `assumed_role`."""
        return assumed_role(record, arn, endpoint_url=self.context.endpoint_url)

    def job(self, record: Record, request: Mapping[str, Any], role: Role) -> Job:
        """Return the job for its run."""
        return Job(record, request, self.context, role, self.credentials)

    def begin(self, record: Record, run: Run) -> None:
        """Let a job run."""
        self.take_on(record, run)
        name = f"{record.resource_type.name} {record.name}"
        threading.Thread(target=self._run, args=(record, run), name=name, daemon=True).start()

    def take_on(self, record: Record, run: Run) -> None:
        """Know the run of a job, which is about to begin."""
        with self._lock:
            self._runs[record] = run

    def run_of(self, record: Record) -> Run | None:
        """Return the run of a job; None once it has ended."""
        with self._lock:
            return self._runs.get(record)

    def restore(self, record: Record) -> Work | None:
        """Fail a job whose instances are lost; one that was to stop has stopped."""
        if record.status not in ENDED:
            self.lose(record)
        return None

    def lose(self, record: Record, **more: Any) -> None:
        """Record that the instances of a job are lost, with more members."""
        stopped = record.status == "Stopping"
        members = {
            str(record.resource_type.status): "Stopped" if stopped else "Failed",
            self.end_time: self.context.lost_at(record),
            "FailureReason": None if stopped else INSTANCE_LOST,
            **more,
        }
        self.context.store.update(record, **members)

    def stop(self, record: Record) -> None:
        """Stop a job that runs. Raises AWS's ValidationException if it has ended."""
        if record.status == "Stopping":
            return
        run = self.run_of(record)
        if run is None or not run.stop():
            raise record.resource_type.status_error("Stop", record.status, record.arn)

    def discard(self, record: Record) -> None:
        """Forget a job, and kill it."""
        run = self.run_of(record)
        super().discard(record)
        if run:
            run.kill()

    def close(self) -> None:
        """Kill every job."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.kill()
        self.credentials.close()

    def _run(self, record: Record, run: Run) -> None:
        try:
            run.execute()
        finally:
            with self._lock:
                self._runs.pop(record, None)
