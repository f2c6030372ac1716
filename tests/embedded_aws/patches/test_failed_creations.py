"""What a stack's failed creation leaves: nothing, or a stack that can be deleted once more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests import functions
from tests.embedded_aws.account import until
from tests.embedded_aws.patches.test_cloudformation import QUICK, TRUST

if TYPE_CHECKING:
    from collections.abc import Callable

# Fills a bucket, and fails all the same; whether it empties it again is said in its properties.
HANDLER = """
import boto3, json, urllib.request

def handler(event, _context):
    given = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    bucket, status = event["ResourceProperties"]["Bucket"], "FAILED"
    s3 = boto3.client("s3")
    if event["RequestType"] == "Create":
        s3.put_object(Bucket=bucket, Key="half", Body=b"done")
    elif event["ResourceProperties"]["Empties"] == "true" and event["PhysicalResourceId"] == "filled":
        s3.delete_object(Bucket=bucket, Key="half")
        status = "SUCCESS"
    answer = {**given, "PhysicalResourceId": "filled", "Status": status, "Reason": "It is too much."}
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT"))
"""


@pytest.fixture(scope="module")
def function(client: Callable[[str], Any]) -> str:
    """The custom resource's function; its ARN."""
    role = client("iam").create_role(RoleName="fails", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    client("iam").put_role_policy(RoleName="fails", PolicyName="s3", PolicyDocument=json.dumps(policy))
    return functions.make(client("lambda"), "fails", role=role, source=HANDLER)


def create(client: Callable[[str], Any], function: str, name: str, *, empties: bool) -> None:
    """Create a stack with a bucket that is filled, whose creation fails."""
    filled = {"ServiceToken": function, "Bucket": {"Ref": "Bucket"}, "Empties": empties}
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}},
        "Contents": {"Type": "Custom::Contents", "Properties": filled},
    }
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    until(lambda: status(client, name) not in {"CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"})


def status(client: Callable[[str], Any], name: str) -> str:
    """A stack's state."""
    return str(client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])


def buckets(client: Callable[[str], Any]) -> set[str]:
    """The account's buckets."""
    return {each["Name"] for each in client("s3").list_buckets()["Buckets"]}


def test_what_has_failed_is_deleted_too(client: Callable[[str], Any], function: str) -> None:
    """A custom resource that fails is asked to delete what it has made, before the bucket that it lies in."""
    create(client, function, "half-filled", empties=True)
    assert status(client, "half-filled") == "ROLLBACK_COMPLETE"
    assert "half-filled" not in buckets(client)
    events = client("cloudformation").describe_stack_events(StackName="half-filled")["StackEvents"]
    deleted = [each["LogicalResourceId"] for each in events if each["ResourceStatus"] == "DELETE_COMPLETE"]
    assert deleted == ["Bucket", "Contents"]  # the newest first


def test_what_could_not_be_deleted_stays_the_stack_s(client: Callable[[str], Any], function: str) -> None:
    """The stack can be deleted again: it fails as long as the bucket is full, and then takes it along."""
    create(client, function, "full", empties=False)
    assert status(client, "full") == "ROLLBACK_FAILED"
    cloudformation = client("cloudformation")
    resources = cloudformation.list_stack_resources(StackName="full")["StackResourceSummaries"]
    assert {each["LogicalResourceId"]: each["ResourceStatus"] for each in resources} == {
        "Bucket": "DELETE_FAILED",
        "Contents": "DELETE_FAILED",
    }
    cloudformation.delete_stack(StackName="full")
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_delete_complete").wait(StackName="full", WaiterConfig=QUICK)
    assert "full" in buckets(client)
    client("s3").delete_object(Bucket="full", Key="half")
    cloudformation.delete_stack(StackName="full", RetainResources=["Contents"])
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="full", WaiterConfig=QUICK)
    assert "full" not in buckets(client)
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="full")
