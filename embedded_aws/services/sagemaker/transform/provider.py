"""Transform jobs: what is checked before one starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.endpoints.models import hosted_model
from embedded_aws.services.sagemaker.jobs import Jobs
from embedded_aws.services.sagemaker.transform import validation
from embedded_aws.services.sagemaker.transform.run import TransformRun, variant

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.store import Record


class TransformJobs(Jobs):
    """Each job is a `TransformRun`."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check what is asked for and the model's role, then start.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        validation.check(request)
        model = self.context.store.get("Model", request["ModelName"], account=record.account, region=record.region)
        served = hosted_model(model, variant(request), endpoint_url=self.context.endpoint_url)
        job_inputs.check([request["TransformInput"]["DataSource"]], served.role)
        self.context.store.update(record, **_filled(request))
        self.begin(record, TransformRun(record, request, served, context=self.context, credentials=self.credentials))


def _filled(request: dict[str, Any]) -> dict[str, Any]:
    """The members that DescribeTransformJob tells in full, whatever was left out of them.

    Source: the example of `aws sagemaker describe-transform-job` in the AWS CLI's reference.
    """
    return {
        "TransformInput": {"CompressionType": "None", "SplitType": "None", **request["TransformInput"]},
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": "", **request["TransformOutput"]},
        "DataProcessing": {
            "InputFilter": "$",
            "OutputFilter": "$",
            "JoinSource": "None",
            **request.get("DataProcessing", {}),
        },
    }
