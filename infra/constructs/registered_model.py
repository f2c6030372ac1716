"""The trained model as a version in the lab's group of the model registry.

The group, the containers and their artifacts can't be changed (createOnlyProperties of the schema of
AWS::SageMaker::ModelPackage): another artifact is another version, and CloudFormation would delete the one before, were
it not retained. With the stack the last one goes; the versions before it go with the group (bucket_contents.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnDeletionPolicy
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.constructs.served_containers import CONTENT_TYPES, RESPONSE_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.constructs.served_containers import Container


class RegisteredModel(Construct):
    """A version, with the containers that serve it and what is known of it.

    `known` has to change with the artifact only: a change of it alone would be made in place, and AWS's handler sends
    the template's approval along, over what somebody has said since.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        group: str,
        containers: Sequence[Container],
        known: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        several = len(containers) > 1
        version = sagemaker.CfnModelPackage(
            self,
            "Version",
            customer_metadata_properties=dict(known),
            inference_specification=sagemaker.CfnModelPackage.InferenceSpecificationProperty(
                containers=[
                    sagemaker.CfnModelPackage.ModelPackageContainerDefinitionProperty(
                        container_hostname=each.name if several else None,
                        image=each.image.uri,
                        model_data_url=each.artifact,
                    )
                    for each in containers
                ],
                supported_content_types=[*CONTENT_TYPES],
                supported_response_mime_types=[*RESPONSE_TYPES],
            ),
            model_approval_status="Approved",
            model_package_group_name=group,
        )
        version.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
        version.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE  # W3011 wants both to be said
        # A version bears its group's tags; CreateModelPackage takes none of its own (botocore).
        version.add_property_deletion_override("Tags")
