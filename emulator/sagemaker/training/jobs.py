"""Training jobs: what is checked before one starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.sagemaker.engine.jobs import Jobs
from emulator.sagemaker.errors import validation
from emulator.sagemaker.training import limits, offer
from emulator.sagemaker.training.run import Run

if TYPE_CHECKING:
    from emulator.sagemaker.store import Record


class TrainingJobs(Jobs):
    """Each job is a `Run`."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check the role and what this SageMaker can do, then start.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        limits.check(request)
        offer.check(request)
        role = self.role(record, request["RoleArn"])
        self.begin(record, Run(record, request, context=self.context, role=role, credentials=self.credentials))

    def interrupt(self, record: Record) -> None:
        """Take a job's spot instances away, as only EC2 can on AWS. Raises ValidationException if it has none."""
        run = self.run_of(record)
        if record.status not in ("InProgress", "Stopping") or not isinstance(run, Run):
            raise validation(f"The training job {record.name} is in status {record.status}: nothing of it runs.")
        run.interrupt()
