"""The provider of transform jobs.

DescribeTransformJob answers all of DataProcessing, whatever was left out of it. Source: the example of
`aws sagemaker describe-transform-job` in the AWS CLI's reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.endpoints.models import hosted_models
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.jobs import Jobs
from embedded_aws.services.sagemaker.transform import validation
from embedded_aws.services.sagemaker.transform.run import TransformRun, variant

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.provider import Work
    from embedded_aws.services.sagemaker.store import Record

_DATA_PROCESSING = {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}


class TransformJobs(Jobs):
    """Transform jobs; each runs as a `TransformRun`."""

    end_time = "TransformEndTime"

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Check what is asked for and the model's role; return what starts it.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        validation.check(request)
        model = self.context.store.get("Model", request["ModelName"], account=record.account, region=record.region)
        served, *others = hosted_models(record, model.members, variant(request), endpoint_url=self.context.endpoint_url)
        if others or served.multi_model:
            raise validation_exception(
                "The embedded AWS transforms with models of one container and one model only; do this on AWS."
            )
        job_inputs.check([request["TransformInput"]["DataSource"]], served.role)
        processing = {**_DATA_PROCESSING, **request.get("DataProcessing", {})}
        self.context.store.update(record, DataProcessing=processing)
        return lambda: self.begin(
            record, TransformRun(record, request, served, context=self.context, credentials=self.credentials)
        )
