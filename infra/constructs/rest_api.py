"""The lab's REST API: API Gateway, a key and a plan of how much it may ask, a function, and behind it the endpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from infra import openapi, rest
from infra.constructs import statements
from infra.constructs.api_gateway_logs import ApiGatewayLogRole
from infra.constructs.arns import arn
from infra.constructs.findings import acknowledge
from infra.constructs.handler_function import HandlerFunction, HandlerRole, handlers_code
from infra.constructs.log_group import LogGroup
from teardown import names

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_lambda as lambda_

    from infra.settings import Settings

_TIMEOUT = Duration.seconds(29)  # API Gateway's own. Source: its quotas, "Integration timeout"
_BURST = 2  # seconds' worth of requests that may come at once
# A member of each line of the access log, and API Gateway's variable for it. Source: its guide, "Variables for access
# logging for API Gateway"; one of the two ids of the request has to be among them.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "apiKeyId": "$context.identity.apiKeyId",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "responseLength": "$context.responseLength",
    "responseLatency": "$context.responseLatency",
}
_FUNCTION_FINDINGS = {
    "CKV_AWS_115": "The usage plan bounds how often it is called; a reserve would be taken from the account's "
    "concurrency, which is 10 in a new account.",
    "CKV_AWS_116": "It is called synchronously, and whoever calls gets the error: there is nothing to queue.",
    "CKV_AWS_117": "It reaches nothing inside a VPC: it calls one endpoint over TLS, with a role that names it.",
    "CKV_AWS_173": "Its one variable is the endpoint's name, no secret.",
}
_API_FINDINGS = {
    "AwsSolutions-APIG3": "A web ACL costs more a month than the lab; keys, the usage plan and the validation of "
    "requests are in its place.",
    "AwsSolutions-APIG4": "Who calls is known by the API key, which pages and programs without AWS's credentials can "
    "send; what it allows is one method, at the plan's rate.",
    "AwsSolutions-COG4": "The lab has no user pool: callers are known by the API key.",
    "AwsSolutions-APIG6": "The access log has a line for each request; the function's log has what the endpoint said.",
    "CKV_AWS_73": "Tracing shows what the access log's latency shows: there is one function and one endpoint.",
    "CKV_AWS_120": "Each picture is another one: there is nothing to cache.",
}


class RestApi(Construct):
    """POST /predictions with an API key; `url` is the method's, `key_id` what the key is asked for by."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        key: kms.IKey,
        endpoint_name: str,
    ) -> None:
        super().__init__(scope, construct_id)
        lab = settings.name
        api = apigateway.RestApi(
            self,
            "Api",
            binary_media_types=list(rest.BINARY),
            cloud_watch_role=False,  # it would replace the account's, which is everybody's: see ApiGatewayLogRole
            deploy_options=self._stage(settings, key),
            description=f"Which brick is it? Of the lab {lab}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            rest_api_name=names.rest_api(lab),
        )
        api.deployment_stage.node.add_dependency(ApiGatewayLogRole(self, "LogRole", key=key, settings=settings))
        for kind, sentence in rest.REFUSALS.items():
            api.add_gateway_response(
                f"Refusal{kind.title().replace('_', '')}",
                type=apigateway.ResponseType.of(kind),
                status_code=rest.STATUSES.get(kind),
                templates={rest.JSON: json.dumps({"error": sentence})},
            )
        _add_method(api, self._function(settings, key, endpoint_name))
        api_key = api.add_api_key("ApiKey", description=f"For whoever may ask the lab {lab}")
        plan = api.add_usage_plan(
            "Plan",
            name=names.rest_api(lab),
            throttle=apigateway.ThrottleSettings(
                rate_limit=settings.rest_rate, burst_limit=_BURST * settings.rest_rate
            ),
            api_stages=[apigateway.UsagePlanPerApiStage(api=api, stage=api.deployment_stage)],
        )
        plan.add_api_key(api_key)
        acknowledge(self, _API_FINDINGS)
        self.url = api.url_for_path(f"/{rest.PATH}")
        self.host = f"{api.rest_api_id}.execute-api.{api.stack.region}.{api.stack.url_suffix}"
        self.key_id = api_key.key_id

    def _stage(self, settings: Settings, key: kms.IKey) -> apigateway.StageOptions:
        log = LogGroup(self, "AccessLog", key=key, retention_days=settings.log_retention_days)
        return apigateway.StageOptions(
            stage_name=rest.STAGE,
            access_log_destination=apigateway.LogGroupLogDestination(log),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG)),
            metrics_enabled=True,
            throttling_rate_limit=settings.rest_rate,
            throttling_burst_limit=_BURST * settings.rest_rate,
        )

    def _function(self, settings: Settings, key: kms.IKey, endpoint_name: str) -> lambda_.Function:
        logs = LogGroup(self, "Logs", key=key, retention_days=settings.log_retention_days)
        endpoint = arn("sagemaker", f"endpoint/{names.endpoint(settings.name, settings.hosting)}")
        function = HandlerFunction(
            self,
            "Function",
            code=handlers_code(),
            handler="rest_api",
            entry="handler.handler",
            role=HandlerRole(
                self,
                "Role",
                log_group=logs,
                statements=[statements.allow(["sagemaker:InvokeEndpoint"], [endpoint])],
            ),
            log_group=logs,
            timeout=_TIMEOUT,
            findings=_FUNCTION_FINDINGS,
        )
        function.add_environment("ENDPOINT_NAME", endpoint_name)
        return function


def _add_method(api: apigateway.RestApi, function: lambda_.Function) -> None:
    body = api.add_model(
        "Images",
        content_type=rest.JSON,
        schema=apigateway.JsonSchema(schema=apigateway.JsonSchemaVersion.DRAFT4),
    )
    # The CDK's class of a schema has no nesting of plain mappings.
    cast("apigateway.CfnModel", body.node.default_child).schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        **openapi.body_schema(None),
    }
    api.root.add_resource(rest.PATH).add_method(
        "POST",
        apigateway.LambdaIntegration(function, allow_test_invoke=False),
        api_key_required=True,
        request_models={rest.JSON: body},
        request_parameters={"method.request.header.Content-Type": True},
        request_validator_options=apigateway.RequestValidatorOptions(
            request_validator_name="request", validate_request_body=True, validate_request_parameters=True
        ),
    )
