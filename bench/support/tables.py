"""A table on the screen, of the lines that curves.py puts into its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.ui import screen
from cli.ui.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence


def show(lines: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print the lines as a table; the first is the head."""
    head, *rows = lines
    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    if title:
        screen.console.print(f"[italic]{title}[/]", soft_wrap=True)
    table.show()
