"""The custom resource Custom::ApiGatewayLogRole: the account's role with which API Gateway writes access logs.

Property: RoleArn. An account has one such role in a region, for the APIs of everybody in it, and a stage with an access
log can't be made before it has (API Gateway's guide, "Set up CloudWatch logging for REST APIs"). So it is set only
where there is none, and taken away only if it is the one that was set.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.handlers.custom_resource import Event, answer
from teardown import clients

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 120  # for a new role's way through IAM: until then API Gateway says that it can't assume it
_PAUSE = 5
# Without a value it takes the role away, as Terraform's provider does (aws_api_gateway_account); "" is refused as an
# ARN that is not well formed.
_REPLACE = {"op": "replace", "path": "/cloudwatchRoleArn"}


def handler(event: Event, _context: object) -> None:
    """Entry point of the Lambda function that CloudFormation calls."""
    answer(event, partial(work, api_gateway=clients.client("apigateway")))


def work(
    event: Event,
    *,
    api_gateway: Any,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Do what CloudFormation asks. Raises ClientError if API Gateway goes on refusing the role."""
    role = event["ResourceProperties"]["RoleArn"]
    found = api_gateway.get_account().get("cloudwatchRoleArn") or ""
    if event["RequestType"] == "Delete":
        if found == role:
            api_gateway.update_account(patchOperations=[_REPLACE])
    elif not found or found == event.get("OldResourceProperties", {}).get("RoleArn"):
        _set(api_gateway, role, until=now() + _SECONDS, now=now, sleep=sleep)
    return {"PhysicalResourceId": event.get("PhysicalResourceId") or "api-gateway-log-role"}


def _set(
    api_gateway: Any, role: str, *, until: float, now: Callable[[], float], sleep: Callable[[float], None]
) -> None:
    while True:
        try:
            api_gateway.update_account(patchOperations=[{**_REPLACE, "value": role}])
        except ClientError as error:
            if error.response["Error"]["Code"] != "BadRequestException" or now() > until:
                raise
            sleep(_PAUSE)
        else:
            return
