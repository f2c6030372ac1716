"""The endpoint that serves the trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.constructs import statements
from infra.constructs.arns import arn
from infra.constructs.execution_role import ExecutionRole
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.images import pull
from infra.constructs.log_group import LogGroup
from infra.settings import has_local_storage, virtual_cpus
from teardown import names

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from infra.constructs.images import ContainerImage
    from infra.settings import Settings


class Endpoint(Construct):
    """Model, endpoint config and endpoint; a new artifact replaces the first two and updates the third.

    CloudFormation names the model and the config, for it cannot replace what has a name of its own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        bucket: s3.IBucket,
        key: kms.IKey,
        image: ContainerImage,
        model_artifact: str,
    ) -> None:
        super().__init__(scope, construct_id)
        name = names.endpoint(settings.name)
        group = names.endpoint_log_group(name)
        logs = LogGroup(self, "Logs", key=key, log_group_name=group, retention_days=settings.log_retention_days)
        role = ExecutionRole(
            self,
            "Role",
            description=f"What the endpoint of the lab {settings.name} may do",
            policy=[
                statements.list_bucket(bucket.bucket_arn, prefixes=["training/"]),
                statements.on_objects(bucket.bucket_arn, actions=["s3:GetObject"], prefixes=["training/"]),
                statements.on_objects(bucket.bucket_arn, actions=["s3:PutObject"], prefixes=["capture/"]),
                statements.read_and_write_encrypted(key.key_arn),
                *pull(image),
                # SageMaker's guide has all four actions in the role of every model; whether the agent goes on without
                # the first where the group is there is not known. The role goes before the group does, for it names
                # it: a last line after the endpoint's end can't bring the group back.
                statements.write_endpoint_logs([logs.log_group_arn, arn("logs", f"log-group:{group}")]),
                statements.publish_metrics(),
            ],
        )
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image.uri,
                model_data_url=model_artifact,
                # The container's default is one process for inference.py, whatever the instance has.
                environment={"SAGEMAKER_GUNICORN_WORKERS": str(virtual_cpus(settings.endpoint_instance_type))},
            ),
        )
        acknowledge(
            model,
            {
                "CKV_AWS_370": "When it starts the container installs what inference.py needs and AWS's image lacks: "
                "isolation would forbid that. Its role reads artifacts and writes captures, and nothing else.",
            },
        )
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            data_capture_config=_capture(settings.capture_percentage, bucket=bucket, key=key),
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    initial_instance_count=1,
                    initial_variant_weight=1,
                    instance_type=settings.endpoint_instance_type,
                    model_name=model.attr_model_name,
                    variant_name="AllTraffic",
                )
            ],
            **_volume_key(settings.endpoint_instance_type, key),
        )
        endpoint = sagemaker.CfnEndpoint(
            self, "Endpoint", endpoint_config_name=config.attr_endpoint_config_name, endpoint_name=name
        )
        endpoint.node.add_dependency(logs)
        acknowledge(
            role,
            {
                wildcard("…/training/*"): "SageMaker makes the names of the artifacts.",
                wildcard("…/capture/*"): "SageMaker makes the names of what it captures.",
                wildcard("*"): "GetAuthorizationToken and PutMetricData have no resource to name; the latter is held "
                "to SageMaker's namespaces.",
            },
        )
        self.endpoint_name = endpoint.attr_endpoint_name


def _capture(
    percentage: int, *, bucket: s3.IBucket, key: kms.IKey
) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
    """Capture requests and answers to capture/. JSON is kept as it is; all else (arrays, pictures) in base64."""
    of = sagemaker.CfnEndpointConfig
    return of.DataCaptureConfigProperty(
        capture_content_type_header=of.CaptureContentTypeHeaderProperty(json_content_types=["application/json"]),
        capture_options=[
            of.CaptureOptionProperty(capture_mode="Input"),
            of.CaptureOptionProperty(capture_mode="Output"),
        ],
        destination_s3_uri=f"s3://{bucket.bucket_name}/capture",
        enable_capture=percentage > 0,
        initial_sampling_percentage=percentage,
        kms_key_id=key.key_arn,
    )


def _volume_key(instance_type: str, key: kms.IKey) -> dict[str, Any]:
    return {} if has_local_storage(instance_type) else {"kms_key_id": key.key_arn}
