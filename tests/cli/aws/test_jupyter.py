"""What runs in a notebook instance's Jupyter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.aws import jupyter

if TYPE_CHECKING:
    from tests.cli.conftest import Wire


def test_a_student_at_work_is_asked_for(wire: Wire) -> None:
    """Nobody's seat is taken away for a maintenance that is only pending: its Jupyter is asked."""
    wire.answers["DescribeNotebookInstance"] = {"NotebookInstanceStatus": "PendingMaintenance", "Url": "ada.notebook"}
    wire.refused["CreatePresignedNotebookInstanceUrl"] = "ValidationException"
    with pytest.raises(Exception, match="not CreatePresignedNotebookInstanceUrl"):
        jupyter.activity(wire.session(), "brick-ada")
