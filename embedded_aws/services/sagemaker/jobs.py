"""What every kind of job has in common: which of them run, how they are stopped, and that none outlives the gateway."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from embedded_aws.runtime.credentials import CredentialsEndpoint
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.roles import assumed_role

if TYPE_CHECKING:
    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import Context
    from embedded_aws.services.sagemaker.store import Record


class Running(Protocol):
    """One job at work."""

    def execute(self) -> None:
        """Do the work, to its end."""

    def stop(self) -> bool:
        """Ask it to end; whether it was still at work."""

    def kill(self) -> None:
        """End it at once."""


class Jobs(Provider):
    """Jobs of one kind, each on a thread of its own."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.credentials = CredentialsEndpoint()
        self._runs: dict[Record, Running] = {}
        self._lock = threading.Lock()

    def role(self, record: Record, arn: str) -> Role:
        """Return the role that a job acts as; see `assumed_role`."""
        return assumed_role(record, arn, endpoint_url=self.context.endpoint_url)

    def begin(self, record: Record, run: Running) -> None:
        """Let a job run."""
        with self._lock:
            self._runs[record] = run
        name = f"{record.resource_type.name} {record.name}"
        threading.Thread(target=self._run, args=(record, run), name=name, daemon=True).start()

    def run_of(self, record: Record) -> Running | None:
        """The job at work; None once it has ended."""
        with self._lock:
            return self._runs.get(record)

    def stop(self, record: Record) -> None:
        """Stop a job that runs. Raises AWS's ValidationException if it has ended."""
        if record.status == "Stopping":
            return
        run = self.run_of(record)
        if run is None or not run.stop():
            raise record.resource_type.status_error("Stop", record.status, record.arn)

    def close(self) -> None:
        """Kill every job."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.kill()
        self.credentials.close()

    def _run(self, record: Record, run: Running) -> None:
        try:
            run.execute()
        finally:
            with self._lock:
                self._runs.pop(record, None)
