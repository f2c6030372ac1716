"""The screen while a command works: a line for each finished step with its time, a spinner for what runs."""

from __future__ import annotations

import sys
import time
import webbrowser
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleDimensions
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TITLE = 68  # characters of a step's title, before its time
_TIME = 12  # of its mark and its time
_BOX = 4  # columns of a box's sides
_UNLIMITED = 10_000  # columns of what is no screen: a row is one line there


class _Screen(Console):
    """A terminal as wide as it is, or a file or pipe, whose lines have no end."""

    @property  # type: ignore[misc]  # nobody sets it
    def size(self) -> ConsoleDimensions:
        """Return its columns and rows."""
        found = super().size
        return found if self.file.isatty() else ConsoleDimensions(_UNLIMITED, found.height)


console = _Screen(highlight=False)
errors = _Screen(stderr=True, highlight=False)


@contextmanager
def step(title: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show `title` while the block runs, then a line with the time it took; the block can change the title.

    Quiet, it says so on the standard error, and the line is left out: the output is for a program.
    """
    started = time.monotonic()
    shown = title
    with waiting(title, quiet=quiet) as notice:

        def retitle(text: str) -> None:
            nonlocal shown
            shown = text
            notice(text)

        yield retitle
    if not quiet:
        done(shown, time.monotonic() - started)


@contextmanager
def waiting(title: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show `title` while the block runs, and nothing after it; the block can change the title."""
    with (errors if quiet else console).status(f"{escape(title)} …") as status:
        yield lambda text: status.update(f"{escape(text)} …")


def done(title: str, seconds: float) -> None:
    """Print a finished step."""
    width = min(_TITLE, console.width - _TIME)
    console.print(f"[green]✓[/] {title:<{max(0, width)}} [dim]{seconds:6.1f} s[/]", soft_wrap=True)


def boxed(text: str) -> None:
    """Print lines in a box, or without one where it would break a line."""
    lines = Text.from_markup(text)
    box = Panel.fit(lines, border_style="green")
    whole = console.measure(lines).maximum + _BOX <= console.size.width
    console.print(box if whole and console.file.isatty() else lines, soft_wrap=True)


def open_page(url: str, *, browser: bool, remark: str = "") -> None:
    """Open a page for a person at a terminal, if they want it, and print its URL: to the screen, never to a log."""
    if browser and sys.stdout.isatty():
        webbrowser.open(url)
    console.print(f"\n  {url}{remark}\n", soft_wrap=True, markup=False)


def number(metric: str) -> str:
    """Write a metric that CloudFormation outputs in four digits; what is no number is shown as it is."""
    try:
        return f"{float(metric):.4g}"
    except ValueError:
        return metric


def percent(share: str) -> str:
    """Write a metric that CloudFormation outputs, a share of one, in percent; what is no number is shown as it is."""
    try:
        return f"{float(share):.1%}"
    except ValueError:
        return share
