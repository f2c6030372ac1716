"""What of a lab can be paused and had back, in states that the embedded AWS's resources never are in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from cli.aws.pausing import (
    FAILED,
    PausableEndpoints,
    PausableMonitoringSchedules,
    PausableNotebookInstances,
    Paused,
)
from cli.aws.scaling import EndpointScaling
from cli.commands import pause

if TYPE_CHECKING:
    from tests.cli.conftest import Wire

LAB, NOTEBOOK = "brick", "brick-ada"
NAME = {"EndpointName": "bricks"}


def test_a_failed_endpoint_s_deletion_is_waited_for_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks a minute are boto3's own; sixty of one a second would give up after a minute."""
    monkeypatch.setattr("botocore.waiter.time.sleep", lambda _: None)
    session = boto3.Session("test", "test", region_name="eu-west-1")
    sagemaker, scaling = session.client("sagemaker"), EndpointScaling(session.client("application-autoscaling"))
    deleting = {
        **NAME,
        "EndpointArn": "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/bricks",
        "EndpointStatus": "Deleting",
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }
    with Stubber(sagemaker) as stub:
        stub.add_response(
            "describe_endpoint_config",
            {
                "EndpointConfigName": "config",
                "EndpointConfigArn": "arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/config",
                "ProductionVariants": [{"VariantName": "all"}],
                "CreationTime": 0,
            },
        )
        stub.add_response("delete_endpoint", {}, NAME)
        for _ in range(600):
            stub.add_response("describe_endpoint", deleting, NAME)
        stub.add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint")
        request = {**NAME, "EndpointConfigName": "config", "Tags": []}
        stub.add_response("create_endpoint", {"EndpointArn": deleting["EndpointArn"]}, request)
        PausableEndpoints(sagemaker, scaling).resume(Paused("endpoint", "bricks", "config", {}), FAILED)
        stub.assert_no_pending_responses()


def test_a_pause_says_what_it_does_to_a_queue() -> None:
    """Requests that wait for an asynchronous endpoint are lost with it; of any other there is nothing to say."""
    sagemaker = boto3.Session("test", "test", region_name="eu-west-1").client("sagemaker")
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/bricks"
    described = {
        **NAME,
        "EndpointArn": arn,
        "EndpointConfigName": "config",
        "EndpointStatus": "InService",
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }
    config = {
        "EndpointConfigName": "config",
        "EndpointConfigArn": "arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/config",
        "ProductionVariants": [{"VariantName": "all"}],
        "CreationTime": 0,
    }
    queue = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://bucket/async/output"}}}
    said = []
    scaling = boto3.Session("test", "test", region_name="eu-west-1").client("application-autoscaling")
    for more in ({}, queue):
        with Stubber(sagemaker) as stub, Stubber(scaling) as on_scaling:
            on_scaling.add_response("describe_scalable_targets", {"ScalableTargets": []})
            stub.add_response("describe_endpoint", {**described, **more}, NAME)
            stub.add_response("describe_endpoint_config", config)
            stub.add_response("list_tags", {"Tags": []})
            endpoints = PausableEndpoints(sagemaker, EndpointScaling(scaling))
            said.append(endpoints.done(endpoints.record("bricks")))
    assert said == [
        "deleted, its config is kept",
        "deleted, its config is kept; requests that waited in its queue are to be sent again",
    ]


def in_states(wire: Wire, *states: str) -> PausableNotebookInstances:
    """A notebook instance that is listed in one state after the other, and then stays in the last."""
    left = list(states)

    def listed(_: Any) -> dict[str, Any]:
        state = left.pop(0) if len(left) > 1 else left[0]
        arn = f"arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/{NOTEBOOK}"
        one = {"NotebookInstanceName": NOTEBOOK, "NotebookInstanceArn": arn, "NotebookInstanceStatus": state}
        return {"NotebookInstances": [one]}

    wire.answers |= {"ListNotebookInstances": listed, "PutParameter": {}, "DeleteParameter": {}}
    return PausableNotebookInstances(wire.session().client("sagemaker"))


def test_maintenance_under_way_is_waited_for(wire: Wire) -> None:
    """It ends by itself, and nobody can stop the instance before."""
    told: list[str] = []
    instances = in_states(wire, "InMaintenance", "InMaintenance", "InService")
    assert pause.wait_until_settled(instances, LAB, [NOTEBOOK], told.append) == {NOTEBOOK: "InService"}
    assert f"notebook instance {NOTEBOOK} InMaintenance" in told


def test_pending_maintenance_is_not_waited_for(wire: Wire) -> None:
    """It may last for days: the instance is asked to stop like any that runs."""
    instances = in_states(wire, "PendingMaintenance")
    wire.answers["StopNotebookInstance"] = {}
    assert pause.wait_until_settled(instances, LAB, [NOTEBOOK], lambda _: None) == {NOTEBOOK: "PendingMaintenance"}
    assert "PendingMaintenance" in instances.running & instances.serving
    assert pause.pause_one(wire.session(), LAB, instances, NOTEBOOK).done == "stopped"
    assert not wire.asked["DeleteParameter"]


def test_what_can_not_be_stopped_now_is_left_out(wire: Wire) -> None:
    """With SageMaker's sentence; it is not taken for paused, and what else is to end does."""
    instances = in_states(wire, "PendingMaintenance")
    wire.refused["StopNotebookInstance"] = "ValidationException"
    result = pause.pause_one(wire.session(), LAB, instances, NOTEBOOK)
    assert (result.done, result.left_out) == ("", "not StopNotebookInstance")
    assert wire.asked["DeleteParameter"] == [{"Name": f"/{LAB}/paused/notebook-instance/{NOTEBOOK}"}]


def test_who_may_not_stop_it_is_told_at_once(wire: Wire) -> None:
    """That is no state of the instance, and nothing is kept of it."""
    instances = in_states(wire, "InService")
    wire.refused["StopNotebookInstance"] = "AccessDeniedException"
    with pytest.raises(instances.sagemaker.exceptions.ClientError, match="AccessDenied"):
        pause.pause_one(wire.session(), LAB, instances, NOTEBOOK)
    assert wire.asked["DeleteParameter"]


def test_a_monitoring_schedule_is_stopped_and_started(wire: Wire) -> None:
    """Its runs would look at an endpoint that is not there; another lab's whose name begins alike is left alone."""
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:monitoring-schedule/brick-drift"
    one = {
        "MonitoringScheduleName": "brick-drift",
        "MonitoringScheduleArn": arn,
        "MonitoringScheduleStatus": "Scheduled",
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }
    wire.answers |= {
        "ListMonitoringSchedules": {
            "MonitoringScheduleSummaries": [one, {**one, "MonitoringScheduleName": "brickwork-drift"}]
        },
        "StopMonitoringSchedule": {},
        "StartMonitoringSchedule": {},
        "PutParameter": {},
    }
    schedules = PausableMonitoringSchedules(wire.session().client("sagemaker"))
    assert {name: found.status for name, found in schedules.list(LAB).items()} == {"brick-drift": "Scheduled"}
    assert pause.pause_one(wire.session(), LAB, schedules, "brick-drift").done == "stopped"
    schedules.resume(Paused(schedules.kind, "brick-drift"), "Stopped")
    assert len(wire.asked["StopMonitoringSchedule"]) == len(wire.asked["StartMonitoringSchedule"]) == 1
