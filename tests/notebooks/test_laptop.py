"""bricks.ipynb on a laptop, with Jupyter from the lab's own environment and the variables that `./lab env` tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.notebooks.cells import printed
from tests.notebooks.test_bricks import BRICKS

if TYPE_CHECKING:
    from tests.notebooks.conftest import Student


def test_a_laptop_does_as_well(student: Student) -> None:
    """The network that is trained there learns as it does on a seat."""
    cells = student.run_on_laptop("bricks.ipynb", last="evaluate", numbers=BRICKS)
    [accuracy] = re.findall(r"([\d.]+)% of 1000 test images", printed(cells["evaluate"]))
    assert float(accuracy) > 90
