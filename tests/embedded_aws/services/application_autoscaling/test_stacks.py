"""Scalable targets and policies in stacks, through CloudFormation itself, and after a kill."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

from embedded_aws import gateway
from tests.embedded_aws.account import Account, answering, until
from tests.embedded_aws.home import Home
from tests.embedded_aws.services.application_autoscaling.scaling import DIMENSION, INVOCATIONS, Scaling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = {"StackName": "scaled"}
QUICK = {"Delay": 0.1, "MaxAttempts": 600}
TARGET, POLICY = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"


def template(endpoint: str, *, most: int | str = 3, value: float = 70, policy: str = "track", **target: Any) -> str:
    """A stack that scales an endpoint's variant, by the target's Ref; its outputs are the Refs."""
    registered = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/v0",
        "ScalableDimension": DIMENSION,
        "MinCapacity": 1,
        "MaxCapacity": most,
        **target,
    }
    tracking = {"TargetValue": value, "PredefinedMetricSpecification": {"PredefinedMetricType": INVOCATIONS}}
    put = {
        "PolicyName": policy,
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": {"Ref": "Target"},
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }
    resources = {"Target": {"Type": TARGET, "Properties": registered}, "Policy": {"Type": POLICY, "Properties": put}}
    return json.dumps({"Resources": resources, "Outputs": {name: {"Value": {"Ref": name}} for name in resources}})


class Stack:
    """The stack."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def create(self, body: str) -> dict[str, str]:
        """Make it; its outputs."""
        self.client.create_stack(**NAME, TemplateBody=body, Tags=[{"Key": "lab", "Value": "bricks"}])
        self.client.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
        return self.outputs()

    def update(self, body: str) -> dict[str, str]:
        """Update it; its outputs."""
        self.client.update_stack(**NAME, TemplateBody=body)
        self.client.get_waiter("stack_update_complete").wait(**NAME, WaiterConfig=QUICK)
        return self.outputs()

    def outputs(self) -> dict[str, str]:
        """Its outputs."""
        [stack] = self.client.describe_stacks(**NAME)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def delete(self) -> None:
        """Delete it."""
        self.client.delete_stack(**NAME)
        self.client.get_waiter("stack_delete_complete").wait(**NAME, WaiterConfig=QUICK)


@pytest.fixture
def stack(client: Callable[[str], Any]) -> Iterator[Stack]:
    """A stack that is gone after the test."""
    made = Stack(client("cloudformation"))
    yield made
    made.delete()


def test_a_stack_scales_an_endpoint(account: Account, client: Callable[[str], Any], stack: Stack) -> None:
    """Refs are AWS's; bounds and policy change in place, a policy of another name is another; all goes with the stack.

    So it does where the target went first, with its endpoint.
    """
    scaling = Scaling(client("application-autoscaling"), account.endpoint(account.config(account.model(answering()))))
    made = stack.create(template(scaling.endpoint))
    assert made["Target"] == f"{scaling.resource}|{DIMENSION}|sagemaker"
    assert made["Policy"] == scaling.policies()[0]["PolicyARN"]
    arn = scaling.target()["ScalableTargetARN"]
    assert scaling.client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"lab": "bricks"}
    suspended = {"DynamicScalingInSuspended": True}
    changed = stack.update(template(scaling.endpoint, most="2", value=40, SuspendedState=suspended))
    assert changed == made
    assert (scaling.target()["MaxCapacity"], scaling.target()["ScalableTargetARN"]) == (2, arn)
    assert scaling.target()["SuspendedState"]["DynamicScalingInSuspended"]
    assert scaling.policies()[0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 40
    replaced = stack.update(template(scaling.endpoint, most=2, value=40))
    assert not scaling.target()["SuspendedState"]["DynamicScalingInSuspended"]
    assert replaced == made
    account.sagemaker.delete_endpoint(EndpointName=scaling.endpoint)
    until(lambda: not scaling.targets())
    stack.delete()
    assert not scaling.policies()


def test_a_stack_that_scales_nothing_fails(client: Callable[[str], Any], stack: Stack) -> None:
    """With the sentence of the service in its events."""
    with pytest.raises(WaiterError):
        stack.create(template("none"))
    reasons = [
        each.get("ResourceStatusReason", "") for each in stack.client.describe_stack_events(**NAME)["StackEvents"]
    ]
    assert any(
        'Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/none".' in each
        and "(Service: ApplicationAutoScaling, Status Code: 400, Error Code: ValidationException)" in each
        for each in reasons
    )
    answer = client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    assert "endpoint/none/variant/v0" not in [each["ResourceId"] for each in answer["ScalableTargets"]]


def test_all_of_it_is_there_after_a_kill(tmp_path: Path) -> None:
    """Targets, policies, alarms, and the activity that was under way, which comes to its end."""
    aws = Home(tmp_path, pace=0.1)
    try:
        account = Account(aws.client)
        scaling = Scaling(
            aws.client("application-autoscaling"), account.endpoint(account.config(account.model(answering())))
        )
        scaling.register(2, 3, Tags={"lab": "bricks"})
        policy = scaling.track(70)
        until(lambda: [each for each in scaling.activities() if each["StatusCode"] == "InProgress"])
        target, policies = scaling.target(), scaling.policies()
        aws.kill()
        after = Scaling(aws.client("application-autoscaling"), scaling.endpoint)
        assert (after.target(), after.policies()) == (target, policies)
        tags = after.client.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"]
        assert tags == {"lab": "bricks"}
        names = [each["AlarmName"] for each in policy["Alarms"]]
        assert len(aws.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]) == 2
        [activity] = until(lambda: [each for each in after.activities() if "EndTime" in each])
        assert activity["StatusCode"] == "Successful"
        endpoint = aws.client("sagemaker").describe_endpoint(EndpointName=scaling.endpoint)
        assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    finally:
        gateway.forget(aws.home)
