"""A screen of its own that is drawn anew, for a command that shows something as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live

from cli.ui import screen

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType


def show_until(ended: threading.Event, draw: Callable[[int], Sequence[RenderableType]], every: float) -> None:
    """Draw on the terminal's other screen, for so many rows as it has, until the event: what was there comes back."""
    with Live(console=screen.console, screen=True, auto_refresh=False) as live:
        while not ended.is_set():
            live.update(Group(*draw(screen.console.height)), refresh=True)
            ended.wait(every)
