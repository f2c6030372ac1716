"""Stacks keep buckets that are not empty, and answer the CDK CLI, which looks every five seconds, when they settle."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import WaiterError

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
FULL = {"StackName": "full-bucket"}
QUICK = {"Delay": 0.1, "MaxAttempts": 200}
BUCKET = {
    "Type": "AWS::S3::Bucket",
    "Properties": {"BucketName": "full-bucket", "VersioningConfiguration": {"Status": "Enabled"}},
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


def test_a_stack_cannot_delete_a_bucket_that_is_not_empty(client: Callable[[str], Any]) -> None:
    """A version below a delete marker is enough; CloudFormation says so, and finishes when the bucket is empty."""
    cloudformation, s3 = client("cloudformation"), client("s3")
    cloudformation.create_stack(**FULL, TemplateBody=json.dumps({"Resources": {"Bucket": BUCKET}}))
    cloudformation.get_waiter("stack_create_complete").wait(**FULL, WaiterConfig=QUICK)
    s3.put_object(Bucket="full-bucket", Key="photo", Body=b"")
    s3.delete_object(Bucket="full-bucket", Key="photo")
    cloudformation.delete_stack(**FULL)
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_delete_complete").wait(**FULL, WaiterConfig=QUICK)
    [bucket] = cloudformation.describe_stack_resources(**FULL)["StackResources"]
    assert bucket["ResourceStatus"] == "DELETE_FAILED"
    assert "The bucket you tried to delete is not empty" in bucket["ResourceStatusReason"]
    found = s3.list_object_versions(Bucket="full-bucket")
    versions = [
        {"Key": "photo", "VersionId": each["VersionId"]} for each in [*found["Versions"], *found["DeleteMarkers"]]
    ]
    s3.delete_objects(Bucket="full-bucket", Delete={"Objects": versions})
    cloudformation.delete_stack(**FULL)
    cloudformation.get_waiter("stack_delete_complete").wait(**FULL, WaiterConfig=QUICK)
    assert "full-bucket" not in {each["Name"] for each in s3.list_buckets()["Buckets"]}
    s3.close()


def test_a_stack_in_review_has_no_tags_yet(client: Callable[[str], Any]) -> None:
    """It gets them, as all else, when its change set is executed."""
    cloudformation, stack = client("cloudformation"), {"StackName": "reviewed"}
    cloudformation.create_change_set(
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}),
        Tags=[{"Key": "whose", "Value": "ours"}],
        **stack,
    )
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName="first", WaiterConfig=QUICK, **stack)
    [found] = cloudformation.describe_stacks(**stack)["Stacks"]
    assert (found["StackStatus"], found["Tags"]) == ("REVIEW_IN_PROGRESS", [])
    cloudformation.execute_change_set(ChangeSetName="first", **stack)
    cloudformation.get_waiter("stack_create_complete").wait(WaiterConfig=QUICK, **stack)
    assert cloudformation.describe_stacks(**stack)["Stacks"][0]["Tags"] == [{"Key": "whose", "Value": "ours"}]
    cloudformation.delete_stack(**stack)


def test_what_comes_again_with_its_token_is_answered_as_before(client: Callable[[str], Any]) -> None:
    """As the CDK CLI asks again when an answer got lost; another token is another request."""
    cloudformation, stack = client("cloudformation"), {"StackName": "tokens"}
    request = {
        "ChangeSetName": "first",
        "ChangeSetType": "CREATE",
        "TemplateBody": json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}),
        **stack,
    }
    first, again = (cloudformation.create_change_set(ClientToken="made", **request)["Id"] for _ in range(2))
    assert first == again
    with pytest.raises(cloudformation.exceptions.AlreadyExistsException):
        cloudformation.create_change_set(ClientToken="another", **request)
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName="first", WaiterConfig=QUICK, **stack)
    for _ in range(2):
        cloudformation.execute_change_set(ChangeSetName="first", ClientRequestToken="begun", **stack)
    cloudformation.get_waiter("stack_create_complete").wait(WaiterConfig=QUICK, **stack)
    for _ in range(2):
        cloudformation.delete_stack(ClientRequestToken="over", **stack)


def test_a_second_deletion_begins_nothing(client: Callable[[str], Any], function: str) -> None:
    """A client whose answer got lost asks again: the stack goes once, and stays away."""
    cloudformation = client("cloudformation")
    resource = {"Type": "Custom::Slow", "Properties": {"ServiceToken": function}}
    cloudformation.create_stack(StackName="twice", TemplateBody=json.dumps({"Resources": {"Slow": resource}}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="twice", WaiterConfig=QUICK)
    stack = cloudformation.describe_stacks(StackName="twice")["Stacks"][0]["StackId"]
    for _ in range(2):
        cloudformation.delete_stack(StackName="twice")
        assert cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "DELETE_IN_PROGRESS"
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=QUICK)
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    begun = [each for each in events if each["ResourceStatus"] == "DELETE_IN_PROGRESS"]
    assert len([each for each in begun if each["LogicalResourceId"] == "twice"]) == 1
