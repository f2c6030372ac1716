"""The endpoint that serves the trained model."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.constructs import hosting, rollout, statements
from infra.constructs.arns import arn
from infra.constructs.brick_features import PREFIX as FEATURES
from infra.constructs.endpoint_scaling import EndpointScaling
from infra.constructs.execution_role import ExecutionRole
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.images import pull
from infra.constructs.log_group import LogGroup
from infra.constructs.served_model import ServedModel
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from infra.constructs.served_containers import Container
    from infra.settings import Settings


_PLACES = {
    "training/": "SageMaker makes the names of the artifacts.",
    FEATURES: "The model lies under a hash of what made it.",
}


class Endpoint(Construct):
    """Model, endpoint config and endpoint; a new artifact replaces the first two and updates the third.

    CloudFormation names the model and the config, for it cannot replace what has a name of its own. It deletes the old
    ones after everything else: not before a look at the endpoint has shown that it serves the new.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        bucket: s3.IBucket,
        key: kms.IKey,
        containers: Sequence[Container],
    ) -> None:
        super().__init__(scope, construct_id)
        lab, updates = settings.name, settings.rollout
        places = [each.prefix for each in containers]
        name = names.endpoint(lab, settings.hosting)
        group = names.endpoint_log_group(name)
        logs = LogGroup(self, "Logs", key=key, log_group_name=group, retention_days=settings.log_retention_days)
        hosted = hosting.of_settings(self, settings, bucket=bucket, key=key)
        role = ExecutionRole(
            self,
            "Role",
            description=f"What the endpoint of the lab {lab} may do",
            policy=[
                statements.list_bucket(bucket.bucket_arn, prefixes=places),
                statements.on_objects(bucket.bucket_arn, actions=["s3:GetObject"], prefixes=places),
                *hosted.statements(),
                statements.read_and_write_encrypted(key.key_arn),
                *pull(*(each.image for each in containers)),
                # SageMaker's guide has all four actions in the role of every model; whether the agent goes on without
                # the first where the group is there is not known. The role goes before the group does, for it names
                # it: a last line after the endpoint's end can't bring the group back.
                statements.write_endpoint_logs([logs.log_group_arn, arn("logs", f"log-group:{group}")]),
                statements.publish_metrics(),
                *rollout.read_alarms(updates),
            ],
        )
        acknowledge(
            role,
            {
                **{wildcard(f"…/{place}*"): _PLACES[place] for place in places},
                **hosted.wildcards(),
                wildcard(
                    "*"
                ): "GetAuthorizationToken and PutMetricData have no resource to name, the latter is held to "
                "SageMaker's namespaces; which alarms SageMaker reads of an update, it does not say.",
            },
        )
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            **_model_containers(containers, workers=hosted.workers),
        )
        acknowledge(
            model,
            {
                "CKV_AWS_370": "When it starts the container installs what inference.py needs and AWS's image lacks: "
                "isolation would forbid that. Its role reads artifacts and writes captures, and nothing else.",
            },
        )
        config = sagemaker.CfnEndpointConfig(
            self, _config_id(settings), production_variants=[hosted.variant(model.attr_model_name)], **hosted.members()
        )
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            deployment_config=rollout.deployment_config(lab, updates),
            endpoint_config_name=config.attr_endpoint_config_name,
            endpoint_name=name,
            # Else an update would bring a scaled endpoint back to what its config begins with, under the same load.
            retain_all_variant_properties=settings.endpoint_instances.is_scaled or None,
        )
        endpoint.node.add_dependency(logs)
        if updates.bakes:
            alarms = rollout.RolloutAlarms(
                self,
                "Alarms",
                lab=lab,
                endpoint=name,
                config=config.attr_endpoint_config_name,
                variant=hosting.VARIANT,
            )
            endpoint.node.add_dependency(alarms)  # which an update is watched by from its first second on
        ServedModel(
            self,
            "Served",
            settings=settings,
            bucket_arn=bucket.bucket_arn,
            key=key,
            endpoint=endpoint,
            config=config.attr_endpoint_config_name,
            model_artifact=containers[-1].artifact,
        )
        if settings.endpoint_instances.is_scaled:
            EndpointScaling(
                self,
                "Scaling",
                settings=settings,
                endpoint_name=endpoint.attr_endpoint_name,
                variant=hosting.VARIANT,
            )
        self.endpoint_name = endpoint.attr_endpoint_name
        self.logical_id = Stack.of(self).get_logical_id(endpoint)


def _model_containers(containers: Sequence[Container], *, workers: int) -> dict[str, Any]:
    """Return CreateModel's PrimaryContainer, or its Containers where there are several.

    These need names, by which the log's streams are told apart.
    """
    made = [
        sagemaker.CfnModel.ContainerDefinitionProperty(
            container_hostname=each.name if len(containers) > 1 else None,
            image=each.image.uri,
            model_data_url=each.artifact,
            environment={"SAGEMAKER_GUNICORN_WORKERS": str(workers)} if each.ours else None,
        )
        for each in containers
    ]
    return {"containers": made} if len(made) > 1 else {"primary_container": made[0]}


def _config_id(settings: Settings) -> str:
    """Return the config's construct id, another one for each way of updating the endpoint.

    SageMaker refuses an update to the config that serves: other updates or another scaling come with another config.
    """
    if not settings.rollout.bakes and not settings.endpoint_instances.is_scaled:
        return "Config"
    way = f"{settings.rollout} {settings.endpoint_instances.is_scaled}"
    return f"Config{hashlib.sha256(way.encode()).hexdigest()[:8]}"
