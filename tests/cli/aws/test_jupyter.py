"""Notebook instances whose maintenance is pending or under way: states that the embedded AWS's never are in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cli.aws import jupyter
from cli.aws.pausing import NotebookInstances
from cli.aws.seats import Seat
from cli.commands import pause

if TYPE_CHECKING:
    from tests.cli.conftest import Wire

LAB, NAME = "brick", "brick-ada"


def in_states(wire: Wire, *states: str) -> NotebookInstances:
    """A notebook instance that is listed in one state after the other, and then stays in the last."""
    left = list(states)

    def listed(_: Any) -> dict[str, Any]:
        state = left.pop(0) if len(left) > 1 else left[0]
        arn = f"arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/{NAME}"
        one = {"NotebookInstanceName": NAME, "NotebookInstanceArn": arn, "NotebookInstanceStatus": state}
        return {"NotebookInstances": [one]}

    wire.answers |= {"ListNotebookInstances": listed, "PutParameter": {}, "DeleteParameter": {}}
    return NotebookInstances(wire.session().client("sagemaker"))


def test_maintenance_under_way_is_waited_for(wire: Wire) -> None:
    """It ends by itself, and nobody can stop the instance before."""
    told: list[str] = []
    of = in_states(wire, "InMaintenance", "InMaintenance", "InService")
    assert pause.settle(of, LAB, [NAME], told.append) == {NAME: "InService"}
    assert f"notebook instance {NAME} InMaintenance" in told


def test_pending_maintenance_is_not_waited_for(wire: Wire) -> None:
    """It may last for days: the instance is asked to stop like any that runs."""
    of = in_states(wire, "PendingMaintenance")
    wire.answers["StopNotebookInstance"] = {}
    assert pause.settle(of, LAB, [NAME], lambda _: None) == {NAME: "PendingMaintenance"}
    assert "PendingMaintenance" in of.running & of.serving
    assert pause.end(wire.session(), LAB, of, NAME).done == "stopped"
    assert not wire.asked["DeleteParameter"]


def test_what_can_not_be_stopped_now_is_left_out(wire: Wire) -> None:
    """With SageMaker's sentence; it is not taken for paused, and what else is to end does."""
    of = in_states(wire, "PendingMaintenance")
    wire.refused["StopNotebookInstance"] = "ValidationException"
    deed = pause.end(wire.session(), LAB, of, NAME)
    assert (deed.done, deed.left_out) == ("", "not StopNotebookInstance")
    assert wire.asked["DeleteParameter"] == [{"Name": f"/{LAB}/paused/notebook-instance/{NAME}"}]


def test_who_may_not_stop_it_is_told_at_once(wire: Wire) -> None:
    """That is no state of the instance, and nothing is kept of it."""
    of = in_states(wire, "InService")
    wire.refused["StopNotebookInstance"] = "AccessDeniedException"
    with pytest.raises(of.sagemaker.exceptions.ClientError, match="AccessDenied"):
        pause.end(wire.session(), LAB, of, NAME)
    assert wire.asked["DeleteParameter"]


def test_a_student_at_work_is_asked_for(wire: Wire) -> None:
    """Nobody's seat is taken away for a maintenance that is only pending: its Jupyter is asked."""
    wire.answers["DescribeNotebookInstance"] = {"NotebookInstanceStatus": "PendingMaintenance", "Url": "ada.notebook"}
    wire.refused["CreatePresignedNotebookInstanceUrl"] = "ValidationException"
    with pytest.raises(Exception, match="not CreatePresignedNotebookInstanceUrl"):
        jupyter.activity(wire.session(), NAME)


@pytest.mark.parametrize(
    ("state", "standing"),
    [
        ("InService", "ready"),
        ("PendingMaintenance", "maintenance pending"),
        ("InMaintenance", "in maintenance"),
        ("Stopped", "stopped"),
        ("Pending", "CREATE_COMPLETE"),
    ],
)
def test_a_seat_says_how_it_stands(state: str, standing: str) -> None:
    """In words for each state that lasts."""
    assert Seat("ada", "", listed=True, stack="CREATE_COMPLETE", notebook=state).standing == standing
