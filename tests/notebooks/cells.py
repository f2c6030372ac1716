"""What a cell of an executed notebook shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode


def printed(cell: NotebookNode) -> str:
    """What it wrote to standard output."""
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def shows_a_picture(cell: NotebookNode) -> bool:
    """Whether it has drawn something."""
    return any("image/png" in output.get("data", {}) for output in cell.outputs)
