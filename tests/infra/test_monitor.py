"""The monitor's template: a schedule whose jobs run the lab's code, what they may do, and an alarm that is heard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import SettingsError, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.infra.conftest import Synthesise

Resources = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def stacks(synthesise: Synthesise) -> dict[str, Resources]:
    """The properties of the resources of a lab with an hourly monitor and a seat, by stack and type."""
    found: dict[str, Resources] = {}
    for stack, template in synthesise(seats=["ada"], monitor="hourly").items():
        of_stack = found.setdefault(stack, {})
        for item in template["Resources"].values():
            of_stack.setdefault(item["Type"], []).append(item.get("Properties", {}))
    return found


@pytest.fixture
def monitored(stacks: dict[str, Resources]) -> Resources:
    """Those of the endpoint's stack."""
    return stacks["bricklab-endpoint"]


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
    [alarm] = [each for each in monitored["AWS::CloudWatch::Alarm"] if each["AlarmName"] == "bricklab-drift"]
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


def test_drift_is_on_the_dashboard(monitored: Resources) -> None:
    """Its alarm with the others, and each thing that is compared."""
    [dashboard] = monitored["AWS::CloudWatch::Dashboard"]
    body = json.dumps(dashboard["DashboardBody"])
    assert "alarm:bricklab-drift" in body
    assert all(
        f"feature_baseline_drift_{each}" in body for each in ("brightness", "hidden_layer", "classes", "unknown")
    )


def test_a_student_may_have_schedules_of_their_own(stacks: dict[str, Resources]) -> None:
    """Under the seat's names, on the lab's instance types; without a monitor there is no such policy."""
    policies = stacks["bricklab-seat-ada"]["AWS::IAM::ManagedPolicy"]
    statements = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
    found = {
        action.removeprefix("sagemaker:"): each
        for each in statements
        for action in each["Action"]
        if "Monitoring" in action
    }
    creating = found["CreateMonitoringSchedule"]
    assert creating["Condition"]["ForAllValues:StringEquals"] == {"sagemaker:InstanceTypes": ["ml.m5.large"]}
    named = {action for action, each in found.items() if "monitoring-schedule/bricklab-ada-*" in json.dumps(each)}
    assert named == {
        f"{verb}MonitoringSchedule" for verb in ("Create", "Update", "Delete", "Describe", "Start", "Stop")
    }
