"""What runs in a notebook instance's Jupyter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.aws import jupyter

if TYPE_CHECKING:
    from tests.cli.conftest import Wire


def test_in_a_notebook_that_is_gone_nothing_runs(wire: Wire) -> None:
    """A command that was killed had its seat's stack deleted, and the next one asks in the middle of it."""
    wire.refused["DescribeNotebookInstance"] = "ResourceNotFound"
    assert not str(jupyter.activity(wire.session(), "brick-ada"))


def test_a_student_at_work_is_asked_for(wire: Wire) -> None:
    """Nobody's seat is taken away for a maintenance that is only pending: its Jupyter is asked."""
    wire.answers["DescribeNotebookInstance"] = {"NotebookInstanceStatus": "PendingMaintenance", "Url": "ada.notebook"}
    wire.refused["CreatePresignedNotebookInstanceUrl"] = "ValidationException"
    with pytest.raises(Exception, match="not CreatePresignedNotebookInstanceUrl"):
        jupyter.activity(wire.session(), "brick-ada")
