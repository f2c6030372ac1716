"""The dashboard and the alarms of a lab: what they are on, whom they tell, and what they say to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import SettingsError, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.infra.conftest import Synthesise
    from tests.infra.templates import Template

ALARMS = {"refused", "failed", "slow", "cpu", "memory", "lease"}


def of_type(templates: dict[str, Template], kind: str) -> list[dict[str, Any]]:
    """The properties of all resources of a type."""
    everything = [item for template in templates.values() for item in template["Resources"].values()]
    return [item["Properties"] for item in everything if item["Type"] == kind]


def text(value: Any) -> str:
    """A template's value as text, with the names of what it refers to in their places."""
    match value:
        case {"Fn::Join": [between, parts]}:
            return str(between).join(map(text, parts))
        case {"Ref": name}:
            return str(name)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{name}.{attribute}"
        case {"Fn::Select": [number, {"Fn::Split": [between, whole]}]}:
            return f"part {number} of {text(whole)} at {between}"
        case str():
            return value
    return json.dumps(value)


@pytest.fixture(scope="module")
def serverless(synthesise: Synthesise) -> dict[str, Template]:
    """A lab with a serverless endpoint, and no lease."""
    return synthesise(seats=0, hosting="serverless")


def test_each_alarm_tells_the_topic_what_to_do(resources: Callable[[str], list[dict[str, Any]]]) -> None:
    """On the lab's own endpoint, variant and lease; silence is no alarm."""
    found = {each["AlarmName"].removeprefix("bricklab-alarm-"): each for each in resources("AWS::CloudWatch::Alarm")}
    assert set(found) == ALARMS
    for name, alarm in found.items():
        assert [text(each).rpartition(":")[2] for each in alarm["AlarmActions"]] == ["bricklab-notices"], name
        assert alarm["TreatMissingData"] == "notBreaching"
        assert any(word in alarm["AlarmDescription"] for word in ("./lab", "lab.endpoint", "look at"))
    assert found["failed"]["Namespace"] == "AWS/SageMaker"
    assert {each["Name"]: text(each["Value"]) for each in found["cpu"]["Dimensions"]}["VariantName"] == "AllTraffic"
    assert found["cpu"]["Threshold"] == 180  # two processors, to nine tenths
    assert found["lease"]["Namespace"] == "AWS/Lambda"


def test_the_dashboard_shows_what_this_lab_measures(resources: Callable[[str], list[dict[str, Any]]]) -> None:
    """Under a name of the region's, for an account has one of a name; drift is not shown without a monitor."""
    [dashboard] = resources("AWS::CloudWatch::Dashboard")
    assert text(dashboard["DashboardName"]) in ("bricklab-eu-west-1", "bricklab-AWS::Region")
    widgets = json.loads(text(dashboard["DashboardBody"]))["widgets"]
    metrics = [each for widget in widgets for each in widget["properties"].get("metrics", ())]
    shown = {(each[0], each[1]) for each in metrics}
    assert {("AWS/SageMaker", "Invocations"), ("/aws/sagemaker/Endpoints", "MemoryUtilization")} <= shown
    assert ("/aws/sagemaker/TrainingJobs", "validation:accuracy") in shown
    assert not any(namespace == "Bricklab" for namespace, _ in shown)
    [status] = [each for each in widgets if each["type"] == "alarm"]
    assert {each.rpartition("-")[2] for each in status["properties"]["alarms"]} == ALARMS


def test_a_serverless_endpoint_has_no_processors_to_watch(serverless: dict[str, Template]) -> None:
    """Neither by an alarm nor on the page: SageMaker measures none."""
    names = {each["AlarmName"] for each in of_type(serverless, "AWS::CloudWatch::Alarm")}
    assert names == {f"bricklab-alarm-{each}" for each in ALARMS - {"cpu", "lease"}}
    [dashboard] = of_type(serverless, "AWS::CloudWatch::Dashboard")
    assert '"/aws/sagemaker/Endpoints","CPUUtilization"' not in text(dashboard["DashboardBody"])


def test_it_is_left_out_if_the_settings_say_so(synthesise: Synthesise) -> None:
    """Neither a page nor an alarm costs anything then."""
    made = synthesise(seats=0, dashboard=False, lease="8h")
    assert of_type(made, "AWS::CloudWatch::Dashboard") == of_type(made, "AWS::CloudWatch::Alarm") == []


def test_no_seat_has_the_alarms_names() -> None:
    """A student may make and delete alarms whose names begin with the seat's."""
    with pytest.raises(SettingsError, match=r"lab\.dashboard"):
        read({"lab": {"seats": ["alarm"]}})
    assert read({"lab": {"seats": ["alarm"], "dashboard": False}})
