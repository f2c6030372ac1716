"""The monitor's template: a schedule whose jobs run the lab's code, what they may do, and an alarm that is heard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import SettingsError, read

if TYPE_CHECKING:
    from collections.abc import Callable

    import aws_cdk as cdk

Resources = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def monitored(compose: Callable[..., cdk.App]) -> Resources:
    """The properties of the resources of the endpoint's stack with an hourly monitor, by type."""
    stacks = {stack.stack_name: stack.template for stack in compose(seats=0, monitor="hourly").synth().stacks}
    found: Resources = {}
    for item in stacks["bricklab-endpoint"]["Resources"].values():
        found.setdefault(item["Type"], []).append(item.get("Properties", {}))
    return found


def test_by_default_nothing_is_monitored(templates: dict[str, Any]) -> None:
    """New accounts don't get Model Monitor."""
    everything = [item["Type"] for each in templates.values() for item in each["Resources"].values()]
    assert "AWS::SageMaker::MonitoringSchedule" not in everything


def test_the_schedule_fetches_the_lab_s_code(monitored: Resources) -> None:
    """By an entrypoint that SageMaker takes: no word has a line end, nor more than 256 characters."""
    [schedule] = monitored["AWS::SageMaker::MonitoringSchedule"]
    config = schedule["MonitoringScheduleConfig"]
    assert config["ScheduleConfig"] == {"ScheduleExpression": "cron(0 * ? * * *)"}
    job = config["MonitoringJobDefinition"]
    application = job["MonitoringAppSpecification"]
    *words, code = application["ContainerEntrypoint"]
    assert words == ["python3", "-c"]
    assert len(code) <= 256
    assert "\n" not in code
    compile(code, "entrypoint", "exec")
    assert application["ContainerArguments"][1] == "notebooks/sourcedir.tar.gz"
    assert job["NetworkConfig"]["EnableInterContainerTrafficEncryption"] is True
    assert "VolumeKmsKeyId" in job["MonitoringResources"]["ClusterConfig"]


def test_drift_alarms_the_lab_s_topic(monitored: Resources, resources: Callable[[str], list[dict[str, Any]]]) -> None:
    """One violation is enough, and says what to do; no run at all is no alarm. The topic lets CloudWatch publish."""
    [alarm] = monitored["AWS::CloudWatch::Alarm"]
    assert (alarm["MetricName"], alarm["Threshold"], alarm["TreatMissingData"]) == ("violations", 1, "notBreaching")
    assert "./lab drift" in alarm["AlarmDescription"]
    assert "bricklab-notices" in json.dumps(alarm["AlarmActions"])
    [policy] = resources("AWS::SNS::TopicPolicy")
    statements = {item["Sid"]: item for item in policy["PolicyDocument"]["Statement"]}
    assert statements["AlarmsMayPublish"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}


def test_its_role_writes_reports_and_nothing_else(monitored: Resources) -> None:
    """It reads what was captured and the models, and describes only what bears the lab's tag."""
    documents = [
        policy["PolicyDocument"]["Statement"]
        for role in monitored["AWS::IAM::Role"]
        if "monitor of the lab" in str(role.get("Description"))
        for policy in role["Policies"]
    ]
    [statements] = documents
    writing = [each for each in statements if "s3:PutObject" in each["Action"]]
    assert [json.dumps(each["Resource"]).count("monitor/reports/*") for each in writing] == [1]
    [describing] = [each for each in statements if "sagemaker:DescribeModel" in each["Action"]]
    assert describing["Condition"] == {"StringEquals": {"aws:ResourceTag/bricklab:lab": "bricklab"}}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"hosting": "serverless"}, "lab.hosting = 'serverless'"),
        ({"algorithm": "xgboost"}, "lab.algorithm = 'xgboost'"),
        ({"capture_percentage": 0}, "lab.capture_percentage = 0"),
    ],
)
def test_what_is_not_captured_is_not_monitored(other: dict[str, Any], said: str) -> None:
    """A setting that does not go with it is refused by both names."""
    with pytest.raises(SettingsError, match=said):
        read({"lab": {"monitor": "daily", **other}})
