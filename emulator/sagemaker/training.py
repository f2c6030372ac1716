"""Training jobs: what is checked before one starts, and which of them run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from emulator.sagemaker import offer
from emulator.sagemaker.behaviour import Behaviour
from emulator.sagemaker.credentials import Role
from emulator.sagemaker.errors import validation
from emulator.sagemaker.metadata import CredentialsEndpoint
from emulator.sagemaker.run import Run

if TYPE_CHECKING:
    from emulator.sagemaker.behaviour import Context
    from emulator.sagemaker.store import Record


class TrainingJobs(Behaviour):
    """Each job is a `Run` on a thread of its own."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._credentials = CredentialsEndpoint()
        self._runs: dict[Record, Run] = {}
        self._lock = threading.Lock()

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check the role and what this SageMaker can do, then start.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        offer.check(request)
        role = Role(
            request["RoleArn"],
            account=record.account,
            region=record.region,
            endpoint_url=self.context.endpoint_url,
        )
        role.check()
        run = Run(record, request, context=self.context, role=role, credentials=self._credentials)
        with self._lock:
            self._runs[record] = run
        threading.Thread(target=self._run, args=(run,), name=f"training {record.name}", daemon=True).start()

    def stop(self, record: Record) -> None:
        """Stop a job that runs. Raises AWS's ValidationException if it has ended."""
        if record.status == "Stopping":
            return
        with self._lock:
            run = self._runs.get(record)
        if run is None or not run.stop():
            raise validation(f"The request was rejected because the training job is in status {record.status}.")

    def close(self) -> None:
        """Kill every job."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.kill()
        self._credentials.close()

    def _run(self, run: Run) -> None:
        try:
            run.execute()
        finally:
            with self._lock:
                self._runs.pop(run.record, None)
