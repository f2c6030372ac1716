"""Endpoints are scaled: by their invocations, by steps, within bounds, with cooldowns, and it is told."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Self

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.embedded_aws.account import Account, answering, until
from tests.embedded_aws.services.application_autoscaling.scaling import Scaling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TARGET = 3.0  # invocations an instance and minute, which lasts 1.2 s here


@pytest.fixture(scope="module")
def endpoint(hurried_account: Account) -> str:
    """An endpoint with one variant, v0, of one instance."""
    return hurried_account.endpoint(hurried_account.config(hurried_account.model(answering())))


@pytest.fixture
def scaling(hurried: Callable[[str], Any], hurried_account: Account, endpoint: str) -> Iterator[Scaling]:
    """Its variant, which has one instance, and is no scalable target, before and after."""
    made = Scaling(hurried("application-autoscaling"), endpoint)
    yield made
    made.close()
    hurried_account.settled(endpoint)
    hurried_account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint, DesiredWeightsAndCapacities=[{"VariantName": "v0", "DesiredInstanceCount": 1}]
    )
    hurried_account.settled(endpoint)


class Load:
    """Asks an endpoint in the background, so many times a minute of its clock."""

    def __init__(self, account: Account, endpoint: str) -> None:
        self._account, self._endpoint = account, endpoint
        self._ended = threading.Event()
        self.lost: list[Exception] = []

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._ended.wait(0.15):
            try:
                self._account.invoke(self._endpoint, [[1.0]])
            except (ClientError, BotoCoreError) as error:
                self.lost.append(error)


def instances(account: Account, endpoint: str) -> int:
    """How many instances serve."""
    variants = account.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    return int(variants[0]["CurrentInstanceCount"])


def test_load_brings_instances_and_they_go_when_it_ceases(
    hurried_account: Account, scaling: Scaling, hurried: Callable[[str], Any]
) -> None:
    """Out in proportion to the load and within bounds, in again when nothing comes; no request is lost meanwhile.

    Each change is told as an activity in AWS's words, and the last one that is left is the least.
    """
    sqs, events = hurried("sqs"), hurried("events")
    queue = sqs.create_queue(QueueName="scaled")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="scaled", EventPattern=json.dumps({"source": ["aws.application-autoscaling"]}))
    events.put_targets(Rule="scaled", Targets=[{"Id": "queue", "Arn": queue_arn}])
    scaling.register(1, 2)
    policy = scaling.track(TARGET, ScaleOutCooldown=60, ScaleInCooldown=60)
    high, low = (each["AlarmName"] for each in policy["Alarms"])
    with Load(hurried_account, scaling.endpoint) as load:
        until(lambda: instances(hurried_account, scaling.endpoint) == 2)
        [activity] = until(lambda: [each for each in scaling.activities() if each["StatusCode"] == "Successful"])
    assert not load.lost
    assert {name: activity[name] for name in ("Description", "Cause", "StatusMessage")} == {
        "Description": "Setting desired instance count to 2.",
        "Cause": f"monitor alarm {high} in state ALARM triggered policy invocations",
        "StatusMessage": ("Successfully set desired instance count to 2. Change successfully fulfilled by sagemaker."),
    }
    assert activity["StartTime"] < activity["EndTime"]
    until(lambda: instances(hurried_account, scaling.endpoint) == 1, 90)
    latest = until(lambda: (found := scaling.activities()[0])["StatusCode"] == "Successful" and found)
    assert latest["Cause"] == f"monitor alarm {low} in state ALARM triggered policy invocations"
    assert latest["Description"] == "Setting desired instance count to 1."
    told = until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    detail = json.loads(told[0]["Body"])["detail"]
    assert (detail["scaledToMax"], detail["oldDesiredCapacity"], detail["newDesiredCapacity"]) == (True, 1, 2)
    least = [{"Code": "AlreadyAtMinCapacity", "MinCapacity": 1}]
    until(lambda: scaling.activities(IncludeNotScaledActivities=True)[0].get("NotScaledReasons") == least)
    assert scaling.activities()[0] == latest


def test_bounds_are_enforced_when_a_target_is_registered(hurried_account: Account, scaling: Scaling) -> None:
    """A minimum above what there is brings instances at once, a maximum below takes them."""
    scaling.register(2, 3)
    until(lambda: instances(hurried_account, scaling.endpoint) == 2)
    scaling.register(1, 1)
    until(lambda: instances(hurried_account, scaling.endpoint) == 1)
    until(lambda: all(each["StatusCode"] == "Successful" for each in scaling.activities()))
    assert [each["Cause"] for each in scaling.activities()[:2]] == [
        "maximum capacity was set to 1",
        "minimum capacity was set to 2",
    ]


def test_what_sagemaker_refuses_is_a_failed_activity(hurried_account: Account, scaling: Scaling) -> None:
    """With its reason: the account may not have as many."""
    scaling.register(500, 600)
    [activity, *_] = until(lambda: [each for each in scaling.activities() if each["StatusCode"] == "Failed"])
    said = activity["StatusMessage"]
    assert said.startswith("Failed to set desired instance count to 500. Reason: The account-level service limit")
    assert "(Service: AmazonSageMaker; Status Code: 400; Error Code: ResourceLimitExceeded; Request ID: " in said
    assert instances(hurried_account, scaling.endpoint) == 1


def test_steps_by_an_alarm_of_ones_own(
    hurried_account: Account, scaling: Scaling, hurried: Callable[[str], Any]
) -> None:
    """The alarm's action is the policy; how far its metric is beyond the threshold says which step is taken.

    Suspended, nothing is scaled out; resumed, the alarm which is off still calls upon the policy every minute.
    """
    scaling.register(1, 3, SuspendedState={"DynamicScalingOutSuspended": True})
    steps = {
        "AdjustmentType": "ExactCapacity",
        "StepAdjustments": [
            {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 2},
            {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3},
        ],
        "MetricAggregationType": "Maximum",
        "Cooldown": 0,
    }
    policy = scaling.put("steps", "StepScaling", StepScalingPolicyConfiguration=steps)
    cloudwatch = hurried("cloudwatch")
    metric = {"Namespace": "lab", "MetricName": "backlog"}
    cloudwatch.put_metric_alarm(
        AlarmName="backlog",
        **metric,
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )
    cloudwatch.put_metric_data(Namespace="lab", MetricData=[{"MetricName": "backlog", "Value": 7}])
    until(lambda: cloudwatch.describe_alarms(AlarmNames=["backlog"], StateValue="ALARM")["MetricAlarms"])
    assert instances(hurried_account, scaling.endpoint) == 1
    scaling.client.register_scalable_target(**scaling.on, SuspendedState={"DynamicScalingOutSuspended": False})
    until(lambda: instances(hurried_account, scaling.endpoint) == 2)
    cloudwatch.put_metric_data(Namespace="lab", MetricData=[{"MetricName": "backlog", "Value": 40}])
    until(lambda: instances(hurried_account, scaling.endpoint) == 3)
    cloudwatch.delete_alarms(AlarmNames=["backlog"])
    until(lambda: scaling.activities()[0]["StatusCode"] == "Successful")
    assert scaling.activities()[0]["Cause"] == "monitor alarm backlog in state ALARM triggered policy steps"


def test_an_update_may_not_change_the_type_of_what_is_scaled(hurried_account: Account, scaling: Scaling) -> None:
    """It is refused until the variant is deregistered; another model is no reason to."""
    account = hurried_account
    scaling.register(1, 2)
    model = account.model(answering(2.0))
    variant = {"VariantName": "v0", "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.c5.large"}
    account.sagemaker.create_endpoint_config(EndpointConfigName=f"{model}-c5", ProductionVariants=[variant])
    with pytest.raises(account.sagemaker.exceptions.ClientError, match="call DeregisterScalableTarget first"):
        account.sagemaker.update_endpoint(EndpointName=scaling.endpoint, EndpointConfigName=f"{model}-c5")
    account.sagemaker.update_endpoint(EndpointName=scaling.endpoint, EndpointConfigName=account.config(model))
    account.settled(scaling.endpoint)
    assert scaling.targets()
