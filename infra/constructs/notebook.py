"""A student's notebook instance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Fn
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.constructs.arns import region
from infra.constructs.findings import acknowledge
from infra.constructs.seat_role import SeatRole
from teardown import names

if TYPE_CHECKING:
    from infra.constructs.bucket import SharedStorage
    from infra.settings import Settings

_SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
_VOLUME_GB = 10  # the lab's packages take about three


class Notebook(Construct):
    """A notebook instance in which the lab's notebook and data lie when it opens."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        seat: str,
        storage: SharedStorage,
    ) -> None:
        super().__init__(scope, construct_id)
        name = names.notebook(settings.name, seat)
        role = SeatRole(
            self, "Role", settings=settings, seat=seat, bucket_arn=storage.bucket_arn, key_arn=storage.key_arn
        )
        self.role_arn = role.role_arn
        variables = {
            "BUCKET": storage.bucket_name,
            "DATABASE": names.database(settings.name, seat),
            "ENDPOINT": names.endpoint(settings.name, settings.hosting),
            "IDLE_SECONDS": str(settings.idle_minutes * 60),
            "INSTANCE_TYPE": settings.seat_instance_types[0],
            "NAME": name,
            "PREFIX": names.prefix(settings.name, seat),
            "REGION": region(),
            "ROLE": self.role_arn,
            "SEAT": seat,
            "WORKGROUP": names.workgroup(settings.name, seat),
        }
        lifecycle = sagemaker.CfnNotebookInstanceLifecycleConfig(
            self,
            "Lifecycle",
            notebook_instance_lifecycle_config_name=name,
            on_start=[_script("on_start.sh", variables)],
        )
        notebook = sagemaker.CfnNotebookInstance(
            self,
            "Instance",
            direct_internet_access="Enabled",
            instance_metadata_service_configuration=(
                sagemaker.CfnNotebookInstance.InstanceMetadataServiceConfigurationProperty(
                    minimum_instance_metadata_service_version="2"
                )
            ),
            instance_type=settings.notebook_instance_type,
            kms_key_id=storage.key_arn,
            lifecycle_config_name=lifecycle.attr_notebook_instance_lifecycle_config_name,
            notebook_instance_name=name,
            platform_identifier=settings.notebook_platform,
            role_arn=self.role_arn,
            root_access="Disabled",
            volume_size_in_gb=_VOLUME_GB,
        )
        acknowledge(
            notebook,
            {
                "AwsSolutions-SM1": "A VPC with a NAT and a dozen interface endpoints costs more by the hour than the "
                "notebooks in it, and nobody reaches an instance but by a presigned URL.",
                "AwsSolutions-SM3": "Without a VPC of its own an instance reaches AWS and its student's packages over "
                "the internet only; its role is held to the seat, its metadata service to version 2, root is off.",
            },
        )
        self.instance = notebook
        self.instance_name = notebook.attr_notebook_instance_name


def _script(
    name: str, variables: dict[str, str]
) -> sagemaker.CfnNotebookInstanceLifecycleConfig.NotebookInstanceLifecycleHookProperty:
    """Return a script of infra/scripts with its variables set at the top, in base64 as SageMaker wants it."""
    assignments = "".join(f"{name}='{value}'\n" for name, value in variables.items())
    content = "#!/bin/bash\n" + assignments + (_SCRIPTS / name).read_text(encoding="utf-8")
    return sagemaker.CfnNotebookInstanceLifecycleConfig.NotebookInstanceLifecycleHookProperty(
        content=Fn.base64(content)
    )
