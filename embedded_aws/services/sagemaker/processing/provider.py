"""Processing jobs: checked when they are created, then run, each by a `ProcessingRun`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import container_images, image_pull
from embedded_aws.services.sagemaker.jobs import Jobs
from embedded_aws.services.sagemaker.processing import validation
from embedded_aws.services.sagemaker.processing.run import ProcessingRun

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.provider import Work
    from embedded_aws.services.sagemaker.store import Record


class ProcessingJobs(Jobs):
    """The provider of processing jobs."""

    end_time = "ProcessingEndTime"

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Check the role and what is asked for; return what starts it.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        own = image_pull.run_by_engine(request["AppSpecification"]["ImageUri"], self.context)
        validation.check(request, own_entrypoint=own)
        container_images.check(
            request["AppSpecification"]["ImageUri"],
            record=record,
            role=request["RoleArn"],
            context=self.context,
            elsewhere=container_images.PROCESSING,
        )
        role = self.role(record, request["RoleArn"])
        filled = {**record.resource_type.defaults, **request}
        return lambda: self.begin(record, ProcessingRun(self.job(record, filled, role)))
