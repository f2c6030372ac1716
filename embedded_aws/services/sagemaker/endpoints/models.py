"""Check SageMaker models, and read from one what a host serves.

AWS makes ExecutionRoleArn optional for what the embedded AWS has not got (inference components). CreateModel looks at
the model data, as its role: AWS's sentences, as quoted in aws/aws-step-functions-data-science-sdk-python#61 (missing)
and philschmid/llm-sagemaker-sample#2 (no access). What goes together: SageMaker's guide, "Multi-container endpoints"
and "Multi-model endpoints", and botocore's model of ContainerHostname. A container that names a model package stands
for the package's (`model_registry.containers`): those serve, and stay what they were. Not compared with AWS: the other
sentences that refuse a model; whether Describe tells what the package has too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import images, s3_uris
from embedded_aws.services.sagemaker import container_images
from embedded_aws.services.sagemaker.endpoints.containers import DIRECT, SERIAL
from embedded_aws.services.sagemaker.endpoints.hosts import HostedModel
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception
from embedded_aws.services.sagemaker.model_registry.containers import packaged
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.roles import assumed_role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.services.sagemaker.store import Record


_MISSING = ("404", "NoSuchKey", "NoSuchBucket")
_SERVED = "ServedContainers"  # where a record holds what serves, if it is of model packages, beside Describe's answer


class Models(Provider):
    """SageMaker's models: plain records, once the request is complete and the model data are there."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check containers, role and model data."""
        if bool(request.get("PrimaryContainer")) == bool(request.get("Containers")):
            raise validation_exception("A model has either PrimaryContainer or Containers: give one of them.")
        given = containers_of(request)
        containers = [one for each in given for one in packaged(self.context.store, record, each)]
        if containers != given:
            self.context.store.update(record, **{_SERVED: containers})
        _check_containers(containers, request.get("InferenceExecutionConfig", {}).get("Mode", SERIAL))
        if "ExecutionRoleArn" not in request:
            raise validation_exception("The embedded AWS has models with a role only: give ExecutionRoleArn.")
        for container in containers:
            container_images.check(
                container["Image"],
                record=record,
                role=request["ExecutionRoleArn"],
                context=self.context,
                elsewhere=container_images.HOSTING,
            )
            if uri := container.get("ModelDataUrl"):
                self._check_model_data(uri, record, request["ExecutionRoleArn"], prefix=_is_multi_model(container))

    def _check_model_data(self, uri: str, record: Record, arn: str, *, prefix: bool) -> None:
        """Raise ValidationException unless the role can read the model data, or look at what has this prefix."""
        try:
            role = assumed_role(record, arn, endpoint_url=self.context.endpoint_url)
            bucket, key = s3_uris.split(uri)
            if prefix:
                role.client("s3").list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
            else:
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


def hosted_models(
    record: Record, model: Mapping[str, Any], variant: dict[str, Any], *, endpoint_url: str
) -> list[HostedModel]:
    """Return a model's containers, by its members, as hosts of that variant serve them for what the record stands for.

    Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
    """
    role = assumed_role(record, model["ExecutionRoleArn"], endpoint_url=endpoint_url)
    network = not model.get("EnableNetworkIsolation")
    return [HostedModel(container, variant, role, network=network) for container in containers_of(model)]


def containers_of(members: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a model's containers, in their order; those of a model package in place of its name."""
    if _SERVED in members:
        return list(members[_SERVED])
    return [members["PrimaryContainer"]] if members.get("PrimaryContainer") else members["Containers"]


def container_names(containers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what containers are called in errors, logs and metrics: one alone is the primary one."""
    if len(containers) == 1:
        return ["primary"]
    return [each.get("ContainerHostname", f"container-{number}") for number, each in enumerate(containers, 1)]


def _is_multi_model(container: Mapping[str, Any]) -> bool:
    return container.get("Mode") == "MultiModel"


def _check_containers(containers: Sequence[Mapping[str, Any]], mode: str) -> None:
    """Raise ValidationException unless these containers can make a model together."""
    if any("Image" not in container for container in containers):
        raise validation_exception("The embedded AWS offers models of containers with an image only: give Image.")
    for container in containers:
        try:
            images.check_registry(container["Image"])
        except images.ImageError as error:
            raise validation_exception(str(error)) from error
    names = [container["ContainerHostname"] for container in containers if "ContainerHostname" in container]
    if mode == DIRECT and len(containers) == 1:
        raise validation_exception("InferenceExecutionConfig Direct needs more than one container in Containers.")
    if len(containers) > 1 and len(names) != len(containers) and (names or mode == DIRECT):
        raise validation_exception("ContainerHostname must be given for every container of the model.")
    if len(set(names)) != len(names):
        raise validation_exception("ContainerHostname must be unique among the containers of the model.")
    many = [container for container in containers if _is_multi_model(container)]
    if any("ModelDataUrl" not in container for container in many):
        raise validation_exception("A container with Mode MultiModel needs ModelDataUrl: a prefix in S3.")
    if len(many) > 1 and mode == SERIAL:
        raise validation_exception("An inference pipeline can have one container with Mode MultiModel only.")
    if any("MultiModelConfig" in container and container not in many for container in containers):
        raise validation_exception("MultiModelConfig is for containers with Mode MultiModel only.")
