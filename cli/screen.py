"""What a person sees while a command works: a line a finished step with its time, a spinner for what runs."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


@contextmanager
def step(title: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show `title` while the block runs, then a line with the time it took; the block can change the title.

    Quiet, it says so on the standard error, and the line is left out: the output is for a program.
    """
    started = time.monotonic()
    shown = title
    with (errors if quiet else console).status(f"{title} …") as status:

        def retitle(text: str) -> None:
            nonlocal shown
            shown = text
            status.update(f"{text} …")

        yield retitle
    if not quiet:
        done(shown, time.monotonic() - started)


def done(title: str, seconds: float) -> None:
    """A finished step."""
    console.print(f"[green]✓[/] {title:<68} [dim]{seconds:6.1f} s[/]", soft_wrap=True)


def percent(share: str) -> str:
    """A metric as CloudFormation outputs it, a share of one; what is no number is shown as it is."""
    try:
        return f"{float(share):.1%}"
    except ValueError:
        return share
