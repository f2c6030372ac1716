"""The endpoint's template in each hosting and each rollout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import HOSTINGS
from teardown import names
from tests.infra.templates import actions, of_kind, only

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.infra.conftest import Synthesise
    from tests.infra.templates import Template

    Endpoint = Callable[..., Template]

ENDPOINT, CONFIG = "AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig"


@pytest.fixture(scope="module")
def endpoint(synthesise: Synthesise) -> Endpoint:
    """The endpoint's template for settings."""
    return lambda **settings: synthesise(seats=0, **settings)["bricklab-endpoint"]


def variant(template: Template) -> dict[str, Any]:
    """The one production variant."""
    [found] = only(template, CONFIG)[1]["ProductionVariants"]
    return dict(found)


def test_by_default_there_is_one_instance(endpoint: Endpoint) -> None:
    """Nothing scales it; a number alone is what the endpoint has."""
    template = endpoint()
    for kind in ("ScalableTarget", "ScalingPolicy"):
        assert not of_kind(template, f"AWS::ApplicationAutoScaling::{kind}")
    assert "RetainAllVariantProperties" not in only(template, ENDPOINT)[1]
    assert variant(template)["InitialInstanceCount"] == 1
    assert variant(endpoint(endpoint_instances=3))["InitialInstanceCount"] == 3


def test_between_two_numbers_it_is_scaled_by_its_load(endpoint: Endpoint) -> None:
    """From the least on; an update keeps what the load has brought; the target waits for the endpoint."""
    template = endpoint(endpoint_instances="2-5", endpoint_instance_type="ml.c5.xlarge")
    assert variant(template)["InitialInstanceCount"] == 2
    served, properties = only(template, ENDPOINT)
    assert properties["RetainAllVariantProperties"] is True
    target, scaled = only(template, "AWS::ApplicationAutoScaling::ScalableTarget")
    name = {"Fn::GetAtt": [served, "EndpointName"]}
    assert (
        scaled.items()
        >= {
            "MinCapacity": 2,
            "MaxCapacity": 5,
            "ResourceId": {"Fn::Join": ["", ["endpoint/", name, "/variant/AllTraffic"]]},
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "ServiceNamespace": "sagemaker",
        }.items()
    )
    _, policy = only(template, "AWS::ApplicationAutoScaling::ScalingPolicy")
    assert (policy["PolicyType"], policy["ScalingTargetId"]) == ("TargetTrackingScaling", {"Ref": target})
    tracked = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracked["TargetValue"] == 6000
    assert tracked["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    }


def rollout_alarms(template: Template) -> dict[str, Any]:
    """The alarms that roll an update back, by their logical ids."""
    found = of_kind(template, "AWS::CloudWatch::Alarm")
    return {name: each for name, each in found.items() if "-rollout-" in each["AlarmName"]}


def test_by_default_an_update_is_as_sagemaker_does_it_by_itself(endpoint: Endpoint) -> None:
    """All at once, nothing waits: there is no alarm that would cost."""
    template = endpoint()
    assert "DeploymentConfig" not in only(template, ENDPOINT)[1]
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
            },
        ),
        (
            "linear:50%:120",
            {
                "Type": "LINEAR",
                "WaitIntervalInSeconds": 120,
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            },
        ),
    ],
)
def test_a_rollout_shifts_traffic_and_bakes_under_alarms(
    endpoint: Endpoint, rollout: str, routing: dict[str, Any]
) -> None:
    """The size and the wait asked for, a final bake, and alarms on the new instances alone, made before the update."""
    template = endpoint(rollout=rollout)
    served, properties = only(template, ENDPOINT)
    deployment = properties["DeploymentConfig"]
    assert deployment["AutoRollbackConfiguration"] == {
        "Alarms": [{"AlarmName": f"bricklab-rollout-{of}"} for of in ("errors", "latency")]
    }
    policy = deployment["BlueGreenUpdatePolicy"]
    assert (policy["TerminationWaitInSeconds"], policy["TrafficRoutingConfiguration"]) == (120, routing)
    assert {*template["Resources"][served]["DependsOn"]} >= {*rollout_alarms(template)}
    config, _ = only(template, CONFIG)
    alarms = rollout_alarms(template).values()
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
    allowed = [action for statement in _statements(endpoint(rollout=rollout)) for action in actions(statement)]
    assert allowed.count("cloudwatch:DescribeAlarms") == roles


def test_serverless_has_memory_and_no_instance(endpoint: Endpoint) -> None:
    """What serverless endpoints do not have is not asked for: instances, a key of theirs, data capture."""
    template = endpoint(hosting="serverless", serverless_memory=4096, serverless_concurrency=7)
    asked = {"MemorySizeInMB": 4096, "MaxConcurrency": 7}
    assert (variant(template)["VariantName"], variant(template)["ServerlessConfig"]) == ("AllTraffic", asked)
    assert not {"InstanceType", "InitialInstanceCount"} & variant(template).keys()
    assert not {"KmsKeyId", "DataCaptureConfig"} & only(template, CONFIG)[1].keys()
    assert not [each for each in _statements(template) if "capture/" in json.dumps(each)]


def test_async_goes_through_the_bucket_and_tells_topics(endpoint: Endpoint) -> None:
    """Answers and failures are encrypted with the lab's key, and the role may do what that takes below async/."""
    template = endpoint(hosting="async")
    made = of_kind(template, "AWS::SNS::Topic")
    topics = {each["TopicName"]: name for name, each in made.items()}
    assert set(topics) == {"bricklab-async-success", "bricklab-async-error"}
    assert all(each["KmsMasterKeyId"] for each in made.values())
    assert (variant(template)["InstanceType"], variant(template)["InitialInstanceCount"]) == ("ml.m5.large", 1)
    _, config = only(template, CONFIG)
    assert "DataCaptureConfig" not in config
    asynchronous = config["AsyncInferenceConfig"]
    assert asynchronous["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": 2}
    output = asynchronous["OutputConfig"]
    assert output["KmsKeyId"]
    assert output["NotificationConfig"] == {
        "SuccessTopic": {"Ref": topics["bricklab-async-success"]},
        "ErrorTopic": {"Ref": topics["bricklab-async-error"]},
    }
    for path, end in (("S3OutputPath", "/async/output"), ("S3FailurePath", "/async/failure")):
        assert output[path]["Fn::Join"][1][-1] == end
    publishing = [each for each in _statements(template) if each["Action"] == "sns:Publish"]
    assert [len(each["Resource"]) for each in publishing] == [2]


@pytest.mark.parametrize("hosting", HOSTINGS)
def test_each_hosting_has_an_endpoint_of_its_own_name(endpoint: Endpoint, hosting: str) -> None:
    """No update leads from one to another, so that CloudFormation has to make the one and delete the other."""
    name = {"real-time": "bricklab"}.get(hosting, f"bricklab-{hosting}")
    template = endpoint(hosting=hosting)
    assert only(template, ENDPOINT)[1]["EndpointName"] == name
    logs = [each.get("LogGroupName") for each in of_kind(template, "AWS::Logs::LogGroup").values()]
    assert names.endpoint_log_group(name) in logs


@pytest.mark.parametrize("hosting", HOSTINGS)
def test_each_update_is_looked_at(endpoint: Endpoint, hosting: str) -> None:
    """Whatever changes the config changes the look, too, which comes after the update, and knows what to expect."""
    template = endpoint(hosting=hosting)
    (config, _), (served, _) = only(template, CONFIG), only(template, ENDPOINT)
    _, look = only(template, "Custom::ServedModel")
    assert (
        look.items()
        >= {
            "EndpointConfigName": {"Fn::GetAtt": [config, "EndpointConfigName"]},
            "EndpointName": {"Fn::GetAtt": [served, "EndpointName"]},
            "Artifact": only(template, "AWS::SageMaker::Model")[1]["PrimaryContainer"]["ModelDataUrl"],
        }.items()
    )


def test_async_answers_are_forgotten(synthesise: Synthesise) -> None:
    """Nobody deletes requests and answers of an asynchronous endpoint: the bucket does."""
    _, bucket = only(synthesise(seats=0)["bricklab-storage"], "AWS::S3::Bucket")
    [rule] = [each for each in bucket["LifecycleConfiguration"]["Rules"] if each.get("Prefix") == "async/"]
    assert rule["ExpirationInDays"] == 7


def _statements(template: Template) -> list[dict[str, Any]]:
    return [
        statement
        for role in of_kind(template, "AWS::IAM::Role").values()
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]
