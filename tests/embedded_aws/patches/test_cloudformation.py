"""The CDK CLI, which looks at a stack every five seconds, is answered when the stack has settled."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from embedded_aws import gateway
from tests import functions

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "slow"
SECONDS = 1.5
HANDLER = f"""
import json, time, urllib.request

def handler(event, _context):
    time.sleep({SECONDS})
    answer = {{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}}
    body = json.dumps({{**answer, "PhysicalResourceId": "made", "Status": "SUCCESS"}}).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, {{"Content-Type": ""}}, method="PUT"))
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def function(client: Callable[[str], Any]) -> str:
    """A custom resource's function that takes its time; its ARN."""
    role = client("iam").create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    return functions.make(client("lambda"), NAME, role=role, source=HANDLER)


def test_only_the_cdk_waits_for_its_answer(embedded: gateway.Gateway, function: str) -> None:
    """Others see at once that a stack is at work; a listing of all stacks never waits."""
    session = boto3.Session("test", "test", region_name=gateway.REGION)
    usual, cdk = (
        session.client("cloudformation", endpoint_url=embedded.url, config=Config(user_agent=agent))
        for agent in ("boto3", "aws-cdk/2.1000.0")
    )
    resource = {"Type": "Custom::Slow", "Properties": {"ServiceToken": function}}
    usual.create_stack(StackName=NAME, TemplateBody=json.dumps({"Resources": {"Slow": resource}}))
    started = time.monotonic()
    (listed,) = (each for each in cdk.describe_stacks()["Stacks"] if each["StackName"] == NAME)
    (now,) = usual.describe_stacks(StackName=NAME)["Stacks"]
    assert [listed["StackStatus"], now["StackStatus"]] == ["CREATE_IN_PROGRESS"] * 2
    (settled,) = cdk.describe_stacks(StackName=NAME)["Stacks"]
    assert settled["StackStatus"] == "CREATE_COMPLETE"
    assert time.monotonic() - started >= SECONDS
    usual.delete_stack(StackName=NAME)
