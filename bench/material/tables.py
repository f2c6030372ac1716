"""A table on the screen, of the lines that curves.py puts into its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence


def show(lines: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print them; the first is the head."""
    head, *rows = lines
    table = Table(*head, title=title, box=None, padding=(0, 1))
    for row in rows:
        table.add_row(*row)
    Console().print(table)
