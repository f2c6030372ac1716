"""Processing jobs: what is checked before one starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.jobs import Jobs
from embedded_aws.services.sagemaker.processing import validation
from embedded_aws.services.sagemaker.processing.run import ProcessingRun

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.store import Record


class ProcessingJobs(Jobs):
    """Each job is a `ProcessingRun`."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check the role and what this SageMaker can do, then start.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        validation.check(request)
        role = self.role(record, request["RoleArn"])
        run = ProcessingRun(record, request, context=self.context, role=role, credentials=self.credentials)
        self.begin(record, run)
