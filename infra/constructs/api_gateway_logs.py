"""The account's role with which API Gateway writes access logs, set where there is none yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws, CustomResource, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs import statements
from infra.constructs.arns import account, region
from infra.constructs.findings import acknowledge
from infra.constructs.handler_function import HandlerFunction, HandlerRole, handlers_code
from infra.constructs.log_group import LogGroup

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from infra.settings import Settings

_MANAGED = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
_SERVICE = "apigateway.amazonaws.com"
_TIMEOUT = Duration.minutes(5)


class ApiGatewayLogRole(Construct):
    """Sets the role if the account has none in this region, and takes it away with the stack if it is the lab's."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(_SERVICE).with_conditions(
                {"StringEquals": {"aws:SourceAccount": account()}}
            ),
            description="API Gateway writes the access logs of this account's APIs with it",
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(_MANAGED)],
        )
        acknowledge(
            role,
            {
                f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_MANAGED}]": "The role is the "
                "account's, for the logs of every API in it, and API Gateway refuses one that lacks any of these "
                "permissions."
            },
        )
        logs = LogGroup(self, "Logs", key=key, retention_days=settings.log_retention_days)
        function = HandlerFunction(
            self,
            "Function",
            code=handlers_code(),
            handler="rest_api",
            entry="log_role.handler",
            role=HandlerRole(
                self,
                "FunctionRole",
                log_group=logs,
                statements=[
                    statements.allow(
                        ["apigateway:GET", "apigateway:PATCH"], [f"arn:{Aws.PARTITION}:apigateway:{region()}::/account"]
                    ),
                    statements.pass_role(role.role_arn, to=_SERVICE),
                ],
            ),
            log_group=logs,
            timeout=_TIMEOUT,
        )
        CustomResource(
            self,
            "Resource",
            properties={"RoleArn": role.role_arn},
            resource_type="Custom::ApiGatewayLogRole",
            # A function that ended without an answer would be waited for, for an hour by default.
            service_timeout=_TIMEOUT.plus(Duration.minutes(1)),
            service_token=function.function_arn,
        )
