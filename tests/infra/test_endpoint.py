"""The endpoint's template in each hosting and each rollout."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk.assertions import Match, Template

from infra.settings import HOSTINGS
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Callable

    import aws_cdk as cdk

    Endpoint = Callable[..., Template]


@pytest.fixture(scope="module")
def endpoint(compose: Callable[..., cdk.App]) -> Endpoint:
    """The endpoint's template for settings; synthesised once for each."""

    @cache
    def synthesised(**settings: Any) -> Template:
        stacks = {stack.stack_name: stack for stack in compose(seats=0, **settings).synth().stacks}
        return Template.from_json(stacks["bricklab-endpoint"].template)

    return synthesised


def test_by_default_there_is_one_instance(endpoint: Endpoint) -> None:
    """Nothing scales it; a number alone is what the endpoint has."""
    template = endpoint()
    for kind in ("ScalableTarget", "ScalingPolicy"):
        template.resource_count_is(f"AWS::ApplicationAutoScaling::{kind}", 0)
    template.has_resource_properties("AWS::SageMaker::Endpoint", {"RetainAllVariantProperties": Match.absent()})
    for number in (1, 3):
        variant = Match.object_like({"InitialInstanceCount": number})
        endpoint(endpoint_instances=number).has_resource_properties(
            "AWS::SageMaker::EndpointConfig", {"ProductionVariants": [variant]}
        )


def test_between_two_numbers_it_is_scaled_by_its_load(endpoint: Endpoint) -> None:
    """From the least on; an update keeps what the load has brought; the target waits for the endpoint."""
    template = endpoint(endpoint_instances="2-5", endpoint_instance_type="ml.c5.xlarge")
    variant = Match.object_like({"InitialInstanceCount": 2})
    template.has_resource_properties("AWS::SageMaker::EndpointConfig", {"ProductionVariants": [variant]})
    template.has_resource_properties("AWS::SageMaker::Endpoint", {"RetainAllVariantProperties": True})
    [served] = template.find_resources("AWS::SageMaker::Endpoint")
    [target] = template.find_resources("AWS::ApplicationAutoScaling::ScalableTarget")
    name = {"Fn::GetAtt": [served, "EndpointName"]}
    template.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "MinCapacity": 2,
            "MaxCapacity": 5,
            "ResourceId": {"Fn::Join": ["", ["endpoint/", name, "/variant/AllTraffic"]]},
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "ServiceNamespace": "sagemaker",
        },
    )
    template.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": target},
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 6000,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            },
        },
    )


def rollout_alarms(template: Template) -> dict[str, Any]:
    """The alarms that roll an update back, by their logical ids."""
    found = template.find_resources("AWS::CloudWatch::Alarm")
    return {name: each for name, each in found.items() if "-rollout-" in each["Properties"]["AlarmName"]}


def test_by_default_an_update_is_as_sagemaker_does_it_by_itself(endpoint: Endpoint) -> None:
    """All at once, nothing waits: there is no alarm that would cost."""
    template = endpoint()
    template.has_resource_properties("AWS::SageMaker::Endpoint", {"DeploymentConfig": Match.absent()})
    assert not rollout_alarms(template)


@pytest.mark.parametrize(
    ("rollout", "routing"),
    [
        ("all-at-once:120", {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}),
        (
            "canary:20%:120",
            {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 120,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20},
                "LinearStepSize": Match.absent(),
            },
        ),
        (
            "linear:50%:120",
            {
                "Type": "LINEAR",
                "WaitIntervalInSeconds": 120,
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                "CanarySize": Match.absent(),
            },
        ),
    ],
)
def test_a_rollout_shifts_traffic_and_bakes_under_alarms(
    endpoint: Endpoint, rollout: str, routing: dict[str, Any]
) -> None:
    """The size and the wait asked for, a final bake, and alarms on the new instances alone, made before the update."""
    template = endpoint(rollout=rollout)
    template.has_resource(
        "AWS::SageMaker::Endpoint",
        {
            "Properties": {
                "DeploymentConfig": {
                    "AutoRollbackConfiguration": {
                        "Alarms": [{"AlarmName": f"bricklab-rollout-{of}"} for of in ("errors", "latency")]
                    },
                    "BlueGreenUpdatePolicy": {
                        "TerminationWaitInSeconds": 120,
                        "TrafficRoutingConfiguration": routing,
                    },
                }
            },
            "DependsOn": Match.array_with([*rollout_alarms(template)]),
        },
    )
    [config] = template.find_resources("AWS::SageMaker::EndpointConfig")
    alarms = [each["Properties"] for each in rollout_alarms(template).values()]
    assert {each["MetricName"] for each in alarms} == {"Invocation5XXErrors", "ModelLatency"}
    for each in alarms:
        dimensions = {one["Name"]: one["Value"] for one in each["Dimensions"]}
        assert dimensions == {
            "EndpointName": "bricklab",
            "VariantName": "AllTraffic",
            "EndpointConfigName": {"Fn::GetAtt": [config, "EndpointConfigName"]},
        }
        assert each["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize(("rollout", "roles"), [("all-at-once", 0), ("canary:20%:120", 2)])
def test_sagemaker_may_read_the_alarms(endpoint: Endpoint, rollout: str, roles: int) -> None:
    """The guide asks for it of the endpoint's role; the look at the update reads them too, and nobody without any."""
    actions = [statement["Action"] for statement in _statements(endpoint(rollout=rollout))]
    assert actions.count("cloudwatch:DescribeAlarms") == roles


def test_serverless_has_memory_and_no_instance(endpoint: Endpoint) -> None:
    """What serverless endpoints do not have is not asked for: instances, a key of theirs, data capture."""
    template = endpoint(hosting="serverless", serverless_memory=4096, serverless_concurrency=7)
    template.has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 7},
                    "InstanceType": Match.absent(),
                    "InitialInstanceCount": Match.absent(),
                }
            ],
            "KmsKeyId": Match.absent(),
            "DataCaptureConfig": Match.absent(),
        },
    )
    assert not [each for each in _statements(template) if "capture/" in json.dumps(each)]


def test_async_goes_through_the_bucket_and_tells_topics(endpoint: Endpoint) -> None:
    """Answers and failures are encrypted with the lab's key, and the role may do what that takes below async/."""
    template = endpoint(hosting="async")
    topics = {
        each["Properties"]["TopicName"]: name for name, each in template.find_resources("AWS::SNS::Topic").items()
    }
    assert set(topics) == {"bricklab-async-success", "bricklab-async-error"}
    template.all_resources_properties("AWS::SNS::Topic", {"KmsMasterKeyId": Match.any_value()})
    template.has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {
            "ProductionVariants": [{"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}],
            "AsyncInferenceConfig": {
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
                "OutputConfig": {
                    "KmsKeyId": Match.any_value(),
                    "NotificationConfig": {
                        "SuccessTopic": {"Ref": topics["bricklab-async-success"]},
                        "ErrorTopic": {"Ref": topics["bricklab-async-error"]},
                    },
                    "S3OutputPath": {"Fn::Join": ["", Match.array_with(["/async/output"])]},
                    "S3FailurePath": {"Fn::Join": ["", Match.array_with(["/async/failure"])]},
                },
            },
            "DataCaptureConfig": Match.absent(),
        },
    )
    publishing = [each for each in _statements(template) if each["Action"] == "sns:Publish"]
    assert [len(each["Resource"]) for each in publishing] == [2]


@pytest.mark.parametrize("hosting", HOSTINGS)
def test_each_hosting_has_an_endpoint_of_its_own_name(endpoint: Endpoint, hosting: str) -> None:
    """No update leads from one to another, so that CloudFormation has to make the one and delete the other."""
    name = {"real-time": "bricklab"}.get(hosting, f"bricklab-{hosting}")
    template = endpoint(hosting=hosting)
    template.has_resource_properties("AWS::SageMaker::Endpoint", {"EndpointName": name})
    template.has_resource_properties("AWS::Logs::LogGroup", {"LogGroupName": names.endpoint_log_group(name)})


@pytest.mark.parametrize("hosting", HOSTINGS)
def test_each_update_is_looked_at(endpoint: Endpoint, hosting: str) -> None:
    """Whatever changes the config changes the look, too, which comes after the update, and knows what to expect."""
    template = endpoint(hosting=hosting)
    [config] = template.find_resources("AWS::SageMaker::EndpointConfig")
    [served] = template.find_resources("AWS::SageMaker::Endpoint")
    [artifact] = [
        each["Properties"]["PrimaryContainer"]["ModelDataUrl"]
        for each in template.find_resources("AWS::SageMaker::Model").values()
    ]
    template.has_resource(
        "Custom::ServedModel",
        {
            "Properties": {
                "EndpointConfigName": {"Fn::GetAtt": [config, "EndpointConfigName"]},
                "EndpointName": {"Fn::GetAtt": [served, "EndpointName"]},
                "Artifact": artifact,
            },
        },
    )


def test_async_answers_are_forgotten(compose: Callable[..., cdk.App]) -> None:
    """Nobody deletes requests and answers of an asynchronous endpoint: the bucket does."""
    [bucket] = [
        item["Properties"]
        for stack in compose(seats=0).synth().stacks
        for item in stack.template["Resources"].values()
        if item["Type"] == "AWS::S3::Bucket"
    ]
    [rule] = [each for each in bucket["LifecycleConfiguration"]["Rules"] if each.get("Prefix") == "async/"]
    assert rule["ExpirationInDays"] == 7


def _statements(template: Template) -> list[dict[str, Any]]:
    return [
        statement
        for role in template.find_resources("AWS::IAM::Role").values()
        for policy in role["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]
