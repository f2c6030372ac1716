"""Check, when a job or a model is created, the image that it names: its region, its registry, and its tag.

AWS's sentences, as users quote them: on another region's image aws-samples/mlops-amazon-sagemaker#9 (training),
aws/amazon-sagemaker-examples#2422 (processing) and ed-donner/alex#30 (models), which agree that there is no pulling
across regions; on a registry that gives no access wpilibsuite/DetectCoral#37. So it is with AWS's own containers in an
account that is not AWS's in that region, or not for them. Not compared with AWS: that a transform job and a tuning job
are refused as what they consist of. An image that AWS has and the embedded AWS has not is refused in its own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedded_aws.runtime import images, registries
from embedded_aws.services.sagemaker import image_pull
from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

TRAINING = (
    "Invalid DNS suffix '{suffix}' for region '{region}' in training image. Please provide the valid "
    "<region>.<dns-suffix>: '{expected}'"
)
PROCESSING = "Invalid region {region} in image URI {uri}. Please provide an image URI in region {wanted}."
HOSTING = 'Region of "{uri}" does not match expected region of {wanted}. Cross region ECR image pulls are not allowed.'


def check(uri: str, *, record: Record, role: str, context: ServiceContext, elsewhere: str) -> None:
    """Raise ValidationException for an image that can't be pulled; `elsewhere` is the sentence on another region's.

    Whether an image of an account that is not AWS's is there, the job itself finds out.
    """
    found = images.parse(uri)
    if found is None:
        return
    if found.region != record.region:
        host = registries.host("", record.region).partition(".ecr.")[2]
        raise validation_exception(
            elsewhere.format(uri=uri, region=found.region, suffix=found.suffix, wanted=record.region, expected=host)
        )
    if not registries.is_aws(found.account) or image_pull.run_by_engine(uri, context):
        return
    try:
        images.name_of(uri, images_dir=context.images_dir)
    except images.AccountError as error:
        raise validation_exception(
            f"Access denied for repository: {found.repository} in registry ID: {found.account}. Please check if your "
            f"ECR repository and image exist and role {role} has proper pull permissions for SageMaker: "
            f"ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer. {error}"
        ) from error
    except images.ImageError as error:
        raise validation_exception(str(error)) from error
