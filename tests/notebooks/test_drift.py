"""drift.ipynb, executed from top to bottom on a seat's notebook instance in the embedded AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.notebooks.cells import printed, shows_a_picture

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from tests.notebooks.conftest import Student

DRIFT = {"EPOCHS": 3, "PHOTOS": 120}


@pytest.fixture(scope="module")
def drift(student: Student) -> dict[str, NotebookNode]:
    """The executed cells by their ids."""
    return student.run_on_seat("drift.ipynb", twice={"data", "clean-up"}, numbers=DRIFT)


def test_photos_as_they_were_raise_no_alarm(drift: dict[str, NotebookNode]) -> None:
    """The comparison is silent, and the alarm green."""
    said = printed(drift["compare"])
    assert "as they were: Completed: No drift in 120 images." in said
    assert "The alarm: OK" in said


@pytest.mark.parametrize(
    ("cell", "changed"), [("darker", "brightness is"), ("noisier", "noise is"), ("cogs", "Cog 16 Tooth")]
)
def test_each_spoilt_window_is_found_and_shown(drift: dict[str, NotebookNode], cell: str, changed: str) -> None:
    """By a sentence that says what has changed, the alarm, and a picture."""
    said = printed(drift[cell])
    assert "CompletedWithViolations" in said
    assert changed in said
    assert "The alarm: ALARM" in said
    assert shows_a_picture(drift[cell])


def test_the_windows_are_shown_before(drift: dict[str, NotebookNode]) -> None:
    """Ten photos of each."""
    assert shows_a_picture(drift["shift"])


def test_nothing_is_left_that_costs(student: Student, drift: dict[str, NotebookNode]) -> None:
    """After the last cell the notebook's endpoint, its records and its alarm are gone."""
    assert printed(drift["clean-up"]) == "endpoints: none left, models: none left\n"
    own = f"{student.prefix}drift-"
    assert not student.client("sagemaker").list_endpoint_configs(NameContains=own)["EndpointConfigs"]
    assert not student.client("cloudwatch").describe_alarms(AlarmNamePrefix=own)["MetricAlarms"]
