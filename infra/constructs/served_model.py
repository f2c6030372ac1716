"""A look at the endpoint after each update: what was asked for is what serves, and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CustomResource, Duration
from constructs import Construct

from infra.algorithms import BUILT_IN
from infra.constructs import rollout, statements
from infra.constructs.arns import arn
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.handler_function import HandlerFunction, HandlerRole, handlers_code
from infra.constructs.hosting import ASYNC_FAILURE, ASYNC_INPUT, ASYNC_OUTPUT
from infra.constructs.log_group import LogGroup
from teardown import names

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sagemaker as sagemaker

    from infra.constructs.statements import Statement
    from infra.settings import Settings

_TIMEOUT = Duration.minutes(15)  # Lambda's longest; the handler gives up, with a sentence, before
_WRITTEN = (ASYNC_OUTPUT, ASYNC_FAILURE)
_ASYNC_WILDCARDS = {
    wildcard(f"…/{ASYNC_INPUT}*"): "The look's own requests, each with a name of its own.",
    **{wildcard(f"…/{each}*"): "SageMaker makes the names of the answers." for each in _WRITTEN},
}


class ServedModel(Construct):
    """Fails the deployment unless the endpoint serves the config it was to serve, and answers with that model.

    An algorithm of AWS's does not say which model it answers from: of it the config is looked at, which was made of the
    artifact, and the form of the answer.

    SageMaker may roll an update back and leave the endpoint InService with the config from before, which
    CloudFormation may take for success (hashicorp/terraform-provider-aws#48997, of Terraform).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        bucket_arn: str,
        key: kms.IKey,
        endpoint: sagemaker.CfnEndpoint,
        config: str,
        model_artifact: str,
    ) -> None:
        super().__init__(scope, construct_id)
        algorithm = BUILT_IN.get(settings.algorithm)
        logs = LogGroup(self, "Logs", key=key, retention_days=settings.log_retention_days)
        role = HandlerRole(
            self, "Role", log_group=logs, statements=_may_look(settings, bucket_arn=bucket_arn, key_arn=key.key_arn)
        )
        function = HandlerFunction(
            self,
            "Function",
            code=handlers_code(),
            handler="served_model",
            entry="handler.handler",
            role=role,
            log_group=logs,
            timeout=_TIMEOUT,
        )
        CustomResource(
            self,
            "Resource",
            properties={
                # As an attribute of it, which is there when its update is over.
                "EndpointName": endpoint.attr_endpoint_name,
                "EndpointConfigName": config,
                "Artifact": model_artifact,
                "Alarms": rollout.alarm_names(settings.name, settings.rollout),
                **({"Answers": [*algorithm.answers]} if algorithm else {}),
            },
            resource_type="Custom::ServedModel",
            # A function that ended without an answer would be waited for, for an hour by default.
            service_timeout=_TIMEOUT.plus(Duration.minutes(1)),
            service_token=function.function_arn,
        )
        acknowledge(
            role,
            {
                **({} if algorithm else {wildcard("…/training/*"): "SageMaker makes the names of the artifacts."}),
                **({wildcard("*"): "DescribeAlarms: a list shows names."} if settings.rollout.bakes else {}),
                **(_ASYNC_WILDCARDS if settings.hosting == "async" else {}),
            },
        )


def _may_look(settings: Settings, *, bucket_arn: str, key_arn: str) -> list[Statement]:
    """Allow to describe and ask the one endpoint, to read the artifact, and why an update was rolled back."""
    name = names.endpoint(settings.name, settings.hosting)
    place = arn("sagemaker", f"endpoint/{name}")
    invoke = "sagemaker:InvokeEndpointAsync" if settings.hosting == "async" else "sagemaker:InvokeEndpoint"
    read = ["training/", *(_WRITTEN if settings.hosting == "async" else ())]
    found = [
        statements.allow(["sagemaker:DescribeEndpoint", invoke], [place]),
        *rollout.read_alarms(settings.rollout),
        *rollout.read_history(settings.name, settings.rollout),
    ]
    if settings.algorithm not in BUILT_IN:  # an algorithm's artifact has no receipt to read
        found += [
            statements.list_bucket(bucket_arn, prefixes=read),
            statements.on_objects(bucket_arn, actions=["s3:GetObject"], prefixes=read),
            statements.read_and_write_encrypted(key_arn),
        ]
    if settings.hosting == "async":
        found.append(statements.on_objects(bucket_arn, actions=["s3:PutObject"], prefixes=[ASYNC_INPUT]))
    return found
