"""Check SageMaker models, and read from one what a host serves.

AWS makes ExecutionRoleArn optional for what the embedded AWS has not got (inference components). CreateModel looks at
the model data, as its role: AWS's sentences, as quoted in aws/aws-step-functions-data-science-sdk-python#61 (missing)
and philschmid/llm-sagemaker-sample#2 (no access). Not compared with AWS: the other sentences that refuse a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import images, s3_uris
from embedded_aws.services.sagemaker.endpoints.hosts import HostedModel
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.roles import assumed_role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.store import Record


_MISSING = ("404", "NoSuchKey", "NoSuchBucket")


class Models(Provider):
    """SageMaker's models: plain records, once the request is complete and the model data are there."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check containers, role and model data."""
        if bool(request.get("PrimaryContainer")) == bool(request.get("Containers")):
            raise validation_exception("A model has either PrimaryContainer or Containers: give one of them.")
        if len(containers := _containers(request)) != 1 or "Image" not in containers[0]:
            raise validation_exception(
                "The embedded AWS offers models of one container with an image and one model only."
            )
        try:
            images.check_registry(containers[0]["Image"])
        except images.ImageError as error:
            raise validation_exception(str(error)) from error
        if "ExecutionRoleArn" not in request:
            raise validation_exception("The embedded AWS has models with a role only: give ExecutionRoleArn.")
        if uri := containers[0].get("ModelDataUrl"):
            self._check_model_data(uri, record, request["ExecutionRoleArn"])

    def _check_model_data(self, uri: str, record: Record, arn: str) -> None:
        """Raise ValidationException unless the role can read the model data."""
        try:
            role = assumed_role(record, arn, endpoint_url=self.context.endpoint_url)
            bucket, key = s3_uris.split(uri)
            role.client("s3").head_object(Bucket=bucket, Key=key)
        except (ServiceError, ClientError, BotoCoreError) as error:
            answer = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            if answer in _MISSING:
                raise validation_exception(f"Could not find model data at {uri}.") from error
            raise validation_exception(
                f'Could not access model data at {uri}. Please ensure that the role "{arn}" exists and that its trust '
                'relationship policy allows the action "sts:AssumeRole" for the service principal '
                '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the '
                f"object is located in {record.region}. If your Model uses multiple models or uncompressed models, "
                'please ensure that the role has "s3:ListBucket" permission.'
            ) from error


def hosted_model(
    record: Record, model: Mapping[str, Any], variant: dict[str, Any], *, endpoint_url: str
) -> HostedModel:
    """Return a model, by its members, as a host of that variant serves it for what the record stands for.

    Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
    """
    role = assumed_role(record, model["ExecutionRoleArn"], endpoint_url=endpoint_url)
    return HostedModel(_containers(model)[0], variant, role, network=not model.get("EnableNetworkIsolation"))


def _containers(members: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [members["PrimaryContainer"]] if members.get("PrimaryContainer") else members["Containers"]
