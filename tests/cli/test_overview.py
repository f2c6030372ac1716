"""An instructor sees at a glance how each seat fares, and whom to help first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.aws.collector import Reading
from cli.aws.jobs import Job
from cli.aws.stacks import Stack
from cli.overview import Condition, Overview, ago
from infra import settings
from teardown.names import LAB_TAG, SEAT_TAG

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
TOOLKITS = 'ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: epochs must be a number"\nCommand "x"'
SOURCES = ("stacks", "notebooks", "jobs", "activity", "bill", "paused", "lease")


def minutes_ago(number: float) -> datetime:
    """A moment."""
    return NOW - timedelta(minutes=number)


def stack(seat: str, status: str = "CREATE_COMPLETE") -> Stack:
    """A seat's stack."""
    return Stack(f"lab-seat-{seat}", status, "", {}, {LAB_TAG: "lab", SEAT_TAG: seat}, minutes_ago(100))


def notebook(status: str = "InService", changed: float = 100) -> dict[str, Any]:
    """A notebook instance as it is listed."""
    return {"NotebookInstanceStatus": status, "LastModifiedTime": minutes_ago(changed)}


def job(status: str, began: float = 5, failure: str = "") -> Job:
    """A job of Ada's."""
    return Job("training job", "lab-ada-x", status, minutes_ago(began), seat="ada", failure=failure)


def overview(**values: Any) -> Overview:
    """A lab with these answers of AWS's."""
    readings = {name: Reading(values.get(name), at=NOW) for name in SOURCES}
    return Overview(settings.read({"lab": {"name": "lab", "seats": "ada"}}), readings, NOW)


@pytest.mark.parametrize(
    ("values", "condition", "why"),
    [
        ({"stacks": [stack("ada", "ROLLBACK_COMPLETE")]}, Condition.BROKEN, "ROLLBACK_COMPLETE"),
        ({"notebooks": {"lab-ada": notebook("Failed")}}, Condition.BROKEN, "Failed"),
        ({"jobs": [job("Failed", failure="ValueError: no bricks\nmore")]}, Condition.STUCK, "ValueError: no bricks"),
        ({"jobs": [job("Failed", failure=TOOLKITS)]}, Condition.STUCK, "failed: ValueError: epochs must be a number"),
        ({"jobs": [job("InProgress"), job("Failed", 50)]}, Condition.WORKING, ""),
        ({"notebooks": {"lab-ada": notebook("Pending", 11)}}, Condition.SLOW, "Pending for 11 min"),
        ({"notebooks": {"lab-ada": notebook("Pending", 2)}}, Condition.AWAY, ""),
        ({"notebooks": {"lab-ada": notebook()}, "activity": {"lab-ada": minutes_ago(3)}}, Condition.WORKING, ""),
        ({"notebooks": {"lab-ada": notebook()}, "activity": {"lab-ada": minutes_ago(40)}}, Condition.QUIET, "40 min"),
        ({"notebooks": {"lab-ada": notebook("Stopped")}}, Condition.AWAY, ""),
    ],
)
def test_a_seats_condition_is_what_aws_knows_of_it(values: dict[str, Any], condition: Condition, why: str) -> None:
    """States of stack and notebook, the newest job's end, and the last sign decide."""
    [seat] = overview(**{"stacks": [stack("ada")], **values}).seats()
    assert seat.condition is condition
    assert why in seat.why


def test_who_needs_somebody_comes_first() -> None:
    """Then all others by name: they keep their places."""
    found = overview(
        stacks=[stack("ada"), stack("bob"), stack("eve", "ROLLBACK_COMPLETE")],
        notebooks={"lab-ada": notebook(), "lab-bob": notebook()},
        activity={"lab-bob": minutes_ago(1)},
    ).seats()
    assert [seat.name for seat in found] == ["eve", "ada", "bob"]
    assert [seat.needs_help for seat in found] == [True, False, False]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"stacks": []}, "Nothing of the lab lab is deployed"),
        ({"stacks": [stack("ada")], "paused": ["something"]}, "The lab is paused"),
        ({"stacks": [stack("ada", "ROLLBACK_COMPLETE")]}, "lab-seat-ada did not come about"),
        ({"stacks": [stack("ada", "CREATE_IN_PROGRESS")]}, "CloudFormation is at work on lab-seat-ada."),
    ],
)
def test_the_lab_has_a_headline_where_it_does_not_simply_stand(values: dict[str, Any], said: str) -> None:
    """Each with what to do."""
    assert said in overview(**values).headline
    assert not overview(stacks=[stack("ada")]).headline


def test_what_holds_for_every_question_is_said_once() -> None:
    """Without network or credentials no panel repeats it; a reason of its own each panel keeps."""
    away = {name: Reading([], "AWS does not answer.", NOW) for name in SOURCES}
    found = Overview(settings.read({"lab": {"name": "lab"}}), away | {"bill": Reading(problem="no prices")}, NOW)
    assert found.headline == "AWS does not answer."
    assert found.problems(*SOURCES) == ["no prices"]
    rights = {name: Reading(problem=f"You lack the right to {name}.") for name in SOURCES}
    denied = Overview(found.lab, rights, NOW)
    assert not denied.outage
    assert denied.problems("stacks", "jobs") == ["You lack the right to stacks.", "You lack the right to jobs."]


def test_times_are_said_in_the_unit_that_fits() -> None:
    """As one would say them."""
    lengths = (5, 300, 7200, 200_000)
    said = [ago(NOW - timedelta(seconds=each), NOW) for each in lengths]
    assert said == ["just now", "5 min ago", "2 h ago", "2 d ago"]
    assert not ago(None, NOW)
