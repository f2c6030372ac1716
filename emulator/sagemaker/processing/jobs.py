"""Processing jobs: what is checked before one starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.sagemaker.engine.jobs import Jobs
from emulator.sagemaker.processing import offer
from emulator.sagemaker.processing.run import ProcessingRun

if TYPE_CHECKING:
    from emulator.sagemaker.store import Record


class ProcessingJobs(Jobs):
    """Each job is a `ProcessingRun`."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check the role and what this SageMaker can do, then start.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        offer.check(request)
        role = self.role(record, request["RoleArn"])
        run = ProcessingRun(record, request, context=self.context, role=role, credentials=self.credentials)
        self.begin(record, run)
