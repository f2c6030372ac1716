"""The endpoint stack: the trained model, served by an endpoint and wherever else the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Fn, Stack
from aws_cdk import aws_ssm as ssm

from infra import algorithms
from infra.constructs import served_containers
from infra.constructs.alarms import EndpointAlarms
from infra.constructs.dashboard import Dashboard
from infra.constructs.endpoint import Endpoint
from infra.constructs.model_function import ModelFunction
from infra.constructs.monitor import Monitor

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

    from infra.constructs.rest_api import RestApi
    from infra.settings import Settings
    from infra.stacks.storage import StorageStack
    from infra.stacks.training import TrainingStack


class EndpointStack(Stack):
    """Serves the artifact that the training stack's parameter names when this stack is deployed.

    `endpoint_id` is the endpoint's logical id.
    `function` is the package of the Lambda function, None if there is to be none; devices get code of `model_code`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        storage: StorageStack,
        training: TrainingStack,
        model_code: Path,
        function: Path | None = None,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, description=f"{settings.name}: the endpoint", **stack)
        self.add_stack_dependency(training, "it reads the parameter that the training stack writes")
        artifact = ssm.StringParameter.value_for_string_parameter(self, training.artifact_parameter)
        endpoint = Endpoint(
            self,
            "Serving",
            settings=settings,
            bucket=storage.bucket,
            key=storage.key,
            containers=served_containers.of_the_lab(
                self, settings, artifact=artifact, feature_artifact=training.feature_artifact
            ),
        )
        if settings.monitor != "off":
            Monitor(
                self,
                "Monitor",
                settings=settings,
                bucket=storage.bucket,
                key=storage.key,
                endpoint_name=endpoint.endpoint_name,
            )
        if settings.dashboard:
            self._add_dashboard(settings, endpoint.endpoint_name, artifact)
        api = self._add_rest_api(settings, storage, endpoint) if "rest" in settings.serve_also else None
        if "web" in settings.serve_also:
            self._add_web_page(settings, storage, artifact, api)
        self.endpoint_id = endpoint.logical_id
        CfnOutput(self, "EndpointName", value=endpoint.endpoint_name, description="What InvokeEndpoint is called with")
        if function:
            self._add_function(settings, storage, artifact, function)
        if "edge" in settings.serve_also:
            self._add_edge_component(settings, storage, artifact, model_code)

    def _add_dashboard(self, settings: Settings, endpoint_name: str, artifact: str) -> None:
        EndpointAlarms(self, "Alarms", settings=settings, endpoint_name=endpoint_name)
        # s3://BUCKET/training/JOB/output/model.tar.gz; jobs of AWS's algorithms measure other things.
        job = Fn.select(4, Fn.split("/", artifact)) if settings.algorithm == algorithms.KERAS else ""
        dashboard = Dashboard(self, "Dashboard", settings=settings, endpoint_name=endpoint_name, training_job=job)
        CfnOutput(self, "DashboardName", value=dashboard.name, description="The lab's page in CloudWatch")

    def _add_rest_api(self, settings: Settings, storage: StorageStack, endpoint: Endpoint) -> RestApi:
        from infra.constructs.rest_api import RestApi  # noqa: PLC0415 importing API Gateway takes time at each synth

        api = RestApi(self, "Rest", settings=settings, key=storage.key, endpoint_name=endpoint.endpoint_name)
        CfnOutput(self, "RestUrl", value=api.url, description="Where a picture is sent to, with an API key")
        CfnOutput(self, "RestKeyId", value=api.key_id, description="Which API key: API Gateway tells its value")
        return api

    def _add_web_page(self, settings: Settings, storage: StorageStack, artifact: str, api: RestApi | None) -> None:
        from infra.constructs.web_page import WebPage  # noqa: PLC0415 as CloudFront does

        page = WebPage(
            self,
            "Web",
            settings=settings,
            key=storage.key,
            artifact=artifact,
            artifact_bucket_arn=storage.bucket.bucket_arn,
            api=api,
        )
        CfnOutput(self, "WebUrl", value=page.url, description="The web page; `./lab web` opens it")

    def _add_function(self, settings: Settings, storage: StorageStack, artifact: str, package: Path) -> None:
        function = ModelFunction(
            self,
            "Function",
            settings=settings,
            bucket=storage.bucket,
            key=storage.key,
            package=package,
            artifact=artifact,
        )
        CfnOutput(self, "FunctionUrl", value=function.url, description="Where the Lambda function answers")

    def _add_edge_component(self, settings: Settings, storage: StorageStack, artifact: str, model_code: Path) -> None:
        from infra.constructs.edge_component import EdgeComponent  # noqa: PLC0415 importing Greengrass takes time

        edge = EdgeComponent(
            self,
            "Edge",
            settings=settings,
            model_code=model_code,
            artifact=artifact,
            bucket_name=storage.bucket.bucket_name,
        )
        CfnOutput(self, "EdgeComponent", value=edge.arn, description="The version of the component for devices")
