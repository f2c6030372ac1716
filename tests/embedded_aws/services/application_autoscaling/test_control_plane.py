"""Application Auto Scaling's operations, on a variant of an endpoint: what is put, described, refused, and goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.gateway import ACCOUNT, REGION
from tests.embedded_aws.account import Account, answering, until
from tests.embedded_aws.services.application_autoscaling.scaling import DIMENSION, INVOCATIONS, Scaling
from tests.embedded_aws.services.sagemaker.calls import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
CONCURRENT = "SageMakerVariantConcurrentRequestsPerModelHighResolution"

OFFERED = f"{INVOCATIONS}, {CONCURRENT}"


@pytest.fixture(scope="module")
def endpoint(account: Account) -> str:
    """An endpoint with one variant, v0, of one instance."""
    return account.endpoint(account.config(account.model(answering())))


@pytest.fixture
def scaling(client: Callable[[str], Any], endpoint: str) -> Iterator[Scaling]:
    """Application Auto Scaling, for that variant, which is no scalable target before and after."""
    made = Scaling(client("application-autoscaling"), endpoint)
    yield made
    made.close()


def test_a_target_is_registered_described_changed_and_deregistered(scaling: Scaling) -> None:
    """What a later request does not say stays; whoever registers it gets the same ARN, and a service-linked role."""
    arn = scaling.register(1, 4)
    assert re.fullmatch(rf"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/[0-9a-z]{{34}}", arn)
    target = scaling.target()
    assert target.pop("CreationTime")
    role = "sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    assert target == {
        **scaling.on,
        "MinCapacity": 1,
        "MaxCapacity": 4,
        "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{role}",
        "SuspendedState": {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
        "ScalableTargetARN": arn,
    }
    suspended = {"DynamicScalingInSuspended": True}
    again = scaling.client.register_scalable_target(**scaling.on, MaxCapacity=3, SuspendedState=suspended)
    assert again["ScalableTargetARN"] == arn
    target = scaling.target()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 3)
    assert target["SuspendedState"]["DynamicScalingInSuspended"]
    scaling.client.deregister_scalable_target(**scaling.on)
    found = scaling.client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[scaling.resource])
    assert found["ScalableTargets"] == []


def test_the_service_linked_role_is_aws_own(account: Account, scaling: Scaling) -> None:
    """It is there after the first registration, under AWS's name, with AWS's policy, and trusts its service."""
    scaling.register(1, 2)
    name = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    role = account.iam.get_role(RoleName=name)["Role"]
    service = "sagemaker.application-autoscaling.amazonaws.com"
    assert role["Path"] == f"/aws-service-role/{service}/"
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": service}
    policies = account.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert [each["PolicyName"] for each in policies] == ["AWSApplicationAutoscalingSageMakerEndpointPolicy"]
    code, said = refusal(account.iam.create_service_linked_role, AWSServiceName=service)
    assert (code, f"Service role name {name} has been taken" in said) == ("InvalidInput", True)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"MinCapacity": 3, "MaxCapacity": 2}, "Maximum capacity cannot be less than minimum capacity"),
        ({"MaxCapacity": 2}, "Minimum capacity must be specified"),
        ({"MinCapacity": -1, "MaxCapacity": 2}, "Minimum capacity cannot be less than 0"),
        (
            {"MinCapacity": 1, "MaxCapacity": 2, "ResourceId": "endpoint/none/variant/v0"},
            f'Could not find endpoint "arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/none".',
        ),
        (
            {"MinCapacity": 1, "MaxCapacity": 2, "ResourceId": "fleet/f"},
            "Unsupported service namespace, resource type or scalable dimension",
        ),
        (
            {"MinCapacity": 1, "MaxCapacity": 2, "ScalableDimension": "ecs:service:DesiredCount"},
            "Unsupported service namespace, resource type or scalable dimension",
        ),
        (
            {
                "MinCapacity": 1,
                "MaxCapacity": 2,
                "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency",
            },
            f"The embedded AWS scales {DIMENSION} only, not sagemaker:variant:DesiredProvisionedConcurrency.",
        ),
        (
            {"MinCapacity": 1, "MaxCapacity": 2, "ServiceNamespace": "ecs"},
            f"The embedded AWS scales the namespace sagemaker only, and there {DIMENSION}; not ecs.",
        ),
    ],
)
def test_what_cannot_be_registered(scaling: Scaling, request_: dict[str, Any], said: str) -> None:
    """Each is refused in AWS's words, and leaves no target."""
    assert refusal(scaling.client.register_scalable_target, **{**scaling.on, **request_}) == (
        "ValidationException",
        said,
    )
    assert not scaling.targets()


def test_a_variant_must_be_there(scaling: Scaling, endpoint: str) -> None:
    """The endpoint alone is not enough."""
    on = {**scaling.on, "ResourceId": f"endpoint/{endpoint}/variant/other"}
    code, said = refusal(scaling.client.register_scalable_target, **on, MinCapacity=1, MaxCapacity=2)
    assert (code, "Variant other not found" in said) == ("ValidationException", True)


def test_burstable_instances_are_not_scaled(account: Account, client: Callable[[str], Any]) -> None:
    """In AWS's words."""
    model = account.model(answering())
    variant = {
        "VariantName": "v0",
        "ModelName": model,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.t2.medium",
    }
    account.sagemaker.create_endpoint_config(EndpointConfigName=f"{model}-t2", ProductionVariants=[variant])
    scaling = Scaling(client("application-autoscaling"), account.endpoint(f"{model}-t2"))
    code, said = refusal(scaling.client.register_scalable_target, **scaling.on, MinCapacity=1, MaxCapacity=2)
    assert code == "ValidationException"
    assert said.startswith("You cannot register a variant with ml.t2.medium instance type as a scalable target.")
    account.sagemaker.delete_endpoint(EndpointName=scaling.endpoint)


def test_a_tracking_policy_has_two_alarms(account: Account, scaling: Scaling) -> None:
    """Named, described and configured as AWS does; they go with the policy, and it goes with its target."""
    scaling.register(1, 4)
    made = scaling.track(70, name="invocations")
    arn = made["PolicyARN"]
    resource = f"resource/sagemaker/{scaling.resource}:policyName/invocations"
    assert re.fullmatch(rf"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:{UUID}:{resource}", arn)
    names = [each["AlarmName"] for each in made["Alarms"]]
    for name, kind in zip(names, ("AlarmHigh", "AlarmLow"), strict=True):
        assert re.fullmatch(rf"TargetTracking-{scaling.resource}-{kind}-{UUID}", name)
    alarms = account.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    high, low = sorted(alarms, key=lambda each: each["EvaluationPeriods"])
    for alarm in (high, low):
        assert alarm["AlarmActions"][0].startswith(arn)
        assert alarm["AlarmDescription"].startswith("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy arn:aws:")
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SageMaker", "InvocationsPerInstance")
        assert {one["Name"]: one["Value"] for one in alarm["Dimensions"]} == {
            "EndpointName": scaling.endpoint,
            "VariantName": "v0",
        }
        assert (alarm["Statistic"], alarm["Period"]) == ("Sum", 60)
    assert (high["ComparisonOperator"], high["Threshold"], high["EvaluationPeriods"]) == ("GreaterThanThreshold", 70, 3)
    assert (low["ComparisonOperator"], low["Threshold"], low["EvaluationPeriods"]) == ("LessThanThreshold", 63, 15)
    policy = scaling.policies()[0]
    assert (policy["PolicyARN"], policy["Alarms"]) == (arn, made["Alarms"])
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": INVOCATIONS},
    }
    again = scaling.track(40, name="invocations", DisableScaleIn=True)
    assert (again["PolicyARN"], again["Alarms"]) == (arn, made["Alarms"][:1])
    left = account.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert [(each["AlarmName"], each["Threshold"]) for each in left] == [(names[0], 40)]
    scaling.client.deregister_scalable_target(**scaling.on)
    assert scaling.policies() == []
    assert account.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"] == []


def test_a_policy_on_a_metric_of_ones_own(account: Account, scaling: Scaling) -> None:
    """Its alarms watch that metric, with its own dimensions and statistic."""
    scaling.register(1, 4)
    metric = {
        "MetricName": "CPUUtilization",
        "Namespace": "/aws/sagemaker/Endpoints",
        "Dimensions": [{"Name": "EndpointName", "Value": scaling.endpoint}],
        "Statistic": "Average",
        "Unit": "Percent",
    }
    configuration = {"TargetValue": 50.0, "CustomizedMetricSpecification": metric}
    made = scaling.put("cpu", "TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=configuration)
    names = [each["AlarmName"] for each in made["Alarms"]]
    for alarm in account.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]:
        assert {name: alarm[name] for name in metric} == metric
    scaling.client.delete_scaling_policy(PolicyName="cpu", **scaling.on)
    assert account.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"] == []


STEPS = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
}


def test_a_step_policy_has_no_alarms(scaling: Scaling) -> None:
    """Its owner makes them; without a type a policy is one of steps."""
    scaling.register(1, 4)
    made = scaling.client.put_scaling_policy(PolicyName="steps", **scaling.on, StepScalingPolicyConfiguration=STEPS)
    assert made["Alarms"] == []
    assert scaling.policies()[0]["PolicyType"] == "StepScaling"


def _tracking(**more: Any) -> dict[str, Any]:
    given = {"TargetValue": 1.0, "PredefinedMetricSpecification": {"PredefinedMetricType": INVOCATIONS}, **more}
    kept = {name: value for name, value in given.items() if value is not None}
    return {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": kept}


def _steps(*adjustments: dict[str, float], **more: Any) -> dict[str, Any]:
    return {"StepScalingPolicyConfiguration": {**STEPS, "StepAdjustments": [*adjustments], **more}}


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (_tracking(), "Only one TargetTrackingScaling policy for a given metric specification is allowed."),
        (
            _tracking(PredefinedMetricSpecification={"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}),
            f"Scalable dimension {DIMENSION} only supports the following predefined metric types: {OFFERED}",
        ),
        (
            _tracking(PredefinedMetricSpecification={"PredefinedMetricType": CONCURRENT}),
            f"The embedded AWS does not offer the metric {CONCURRENT}.",
        ),
        (
            _tracking(PredefinedMetricSpecification=None),
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified",
        ),
        (
            _tracking(PredefinedMetricSpecification=None, CustomizedMetricSpecification={"MetricName": "m"}),
            "CustomizedMetricSpecification must have Namespace and Statistic",
        ),
        (_tracking(TargetValue=0.0), "TargetValue must be greater than 0"),
        (_tracking(ScaleInCooldown=-1), "ScaleInCooldown must be 0 or more"),
        ({"PolicyType": "PredictiveScaling"}, "The embedded AWS does not offer PolicyType PredictiveScaling."),
        (
            {},
            "A policy of the type StepScaling is configured by StepScalingPolicyConfiguration, and by that alone.",
        ),
        (
            {"StepScalingPolicyConfiguration": {"AdjustmentType": "ExactCapacity"}},
            "AdjustmentType and StepAdjustments must be specified for a step scaling policy",
        ),
        (
            _steps({"ScalingAdjustment": 1}),
            "The upper and lower bound can't be null in the same step adjustment",
        ),
        (
            _steps(
                {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 5, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 6, "ScalingAdjustment": 2},
            ),
            "The ranges of the step adjustments can't overlap or have a gap",
        ),
    ],
)
def test_policies_that_cannot_be_put(scaling: Scaling, policy: dict[str, Any], said: str) -> None:
    """Each is refused with a sentence, and what was there before stays."""
    scaling.register(1, 4)
    scaling.track(70, name="first")
    assert refusal(scaling.client.put_scaling_policy, PolicyName="second", **scaling.on, **policy) == (
        "ValidationException",
        said,
    )
    assert [each["PolicyName"] for each in scaling.policies()] == ["first"]


def test_what_is_not_there(scaling: Scaling) -> None:
    """AWS's code and words, for a target and for a policy."""
    where = f"service namespace: sagemaker, resource ID: {scaling.resource}, scalable dimension: {DIMENSION}"
    missing = "ObjectNotFoundException"
    policy = {"PolicyName": "p", **scaling.on}
    assert refusal(scaling.client.deregister_scalable_target, **scaling.on) == (
        missing,
        f"No scalable target found for {where}",
    )
    assert refusal(scaling.client.put_scaling_policy, **policy, **_tracking()) == (
        missing,
        f"No scalable target registered for {where}",
    )
    assert refusal(scaling.client.delete_scaling_policy, **policy) == (
        missing,
        f"No scaling policy found for {where}, policy name: p",
    )


def test_tags(scaling: Scaling) -> None:
    """Given at the registration, then by requests of their own."""
    arn = scaling.register(1, 2, Tags={"lab": "bricks"})
    tags = scaling.client.list_tags_for_resource
    assert tags(ResourceARN=arn)["Tags"] == {"lab": "bricks"}
    code, said = refusal(scaling.client.register_scalable_target, **scaling.on, MaxCapacity=3, Tags={"a": "b"})
    assert (code, said.startswith("The scalable target that you tried to tag already exists")) == (
        "ValidationException",
        True,
    )
    scaling.client.tag_resource(ResourceARN=arn, Tags={"seat": "ana"})
    scaling.client.untag_resource(ResourceARN=arn, TagKeys=["lab"])
    assert tags(ResourceARN=arn)["Tags"] == {"seat": "ana"}
    assert refusal(tags, ResourceARN=f"{arn[:-1]}-")[0] == "ResourceNotFoundException"


def test_pages(scaling: Scaling) -> None:
    """As long as is asked for; a token that is none is refused."""
    scaling.register(1, 4)
    for number in range(3):
        scaling.client.put_scaling_policy(
            PolicyName=f"steps-{number}", **scaling.on, StepScalingPolicyConfiguration=STEPS
        )
    pages = scaling.client.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="sagemaker", ResourceId=scaling.resource, PaginationConfig={"PageSize": 2}
    )
    found = [[each["PolicyName"] for each in page["ScalingPolicies"]] for page in pages]
    assert found == [["steps-0", "steps-1"], ["steps-2"]]
    wrong = {"ServiceNamespace": "sagemaker", "NextToken": "bm90aGluZw=="}
    assert refusal(scaling.client.describe_scalable_targets, **wrong)[0] == "InvalidNextTokenException"


def test_an_operation_that_is_not_there(scaling: Scaling) -> None:
    """It is refused by its name; there are no scheduled actions, and so none are described."""
    code, said = refusal(
        scaling.client.put_scheduled_action, ScheduledActionName="night", Schedule="rate(1 day)", **scaling.on
    )
    assert (code, "PutScheduledAction of Application Auto Scaling" in said) == ("UnknownOperationException", True)
    assert scaling.client.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"] == []


def test_a_target_goes_with_its_endpoint(account: Account, client: Callable[[str], Any]) -> None:
    """Without a word, and with it its policies and their alarms."""
    scaling = Scaling(client("application-autoscaling"), account.endpoint(account.config(account.model(answering()))))
    scaling.register(1, 2)
    names = [each["AlarmName"] for each in scaling.track(70)["Alarms"]]
    account.sagemaker.delete_endpoint(EndpointName=scaling.endpoint)
    until(lambda: not scaling.targets() and not scaling.policies())
    until(lambda: not account.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"])
