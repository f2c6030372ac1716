"""What people read: nothing is cut on a narrow screen, and in a pipe a row is one line."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest
import typer.main
from rich.console import Console

from cli import paths
from cli.command_line import app
from cli.ui import screen
from cli.ui.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = [
    ("ada-lovelace-of-the-first-row", "ready", "InService, 1 ml.m5.large, 10 GB", "ada@school.example", "0.115"),
    ("grace-hopper", "not deployed", "", "", "12.000"),
]
INDENT = 6  # of what is below the first line of a row that was unfolded
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def table() -> Table:
    """A table with every kind of column."""
    made = Table("seat", "", "how it stands", "email", Column("USD", numbers=True, footer="12.115"))
    for row in ROWS:
        made.add_row(*row)
    return made


def on_a_screen(columns: int) -> str:
    """The table on a terminal of so many columns."""
    console = Console(width=columns, force_terminal=True, color_system=None)
    with console.capture() as shown:
        console.print(table(), soft_wrap=True)
    return shown.get()


def on_a_terminal(columns: int, *arguments: str) -> str:
    """What the command shows on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    command = [sys.executable, "-m", "cli", *arguments]
    with subprocess.Popen(command, cwd=paths.ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        shown = b"".join(_read(ours))
    os.close(ours)
    return ESCAPES.sub("", shown.decode().replace("\r\n", "\n"))


def _read(terminal: int) -> Iterator[bytes]:
    try:
        while some := os.read(terminal, 65_536):
            yield some
    except OSError:  # the other side is closed
        return


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 200])
def test_no_word_is_cut_on_any_screen(columns: int) -> None:
    """Names, states and addresses stand there whole, and what says what a row is stands in one piece, in its line."""
    shown = on_a_screen(columns)
    assert "…" not in shown
    words = {word for row in [*ROWS, ("12.115",)] for word in " ".join(row).split()}
    assert not [word for word in words if word not in shown and len(word) + INDENT <= columns]
    assert ROWS[0][0] in shown


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
def test_a_screen_is_not_left(columns: int) -> None:
    """No line is longer than the screen, where no name is."""
    assert all(len(line) <= columns for line in on_a_screen(columns).splitlines())


def test_a_row_is_a_line_in_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow the terminal behind it: a program finds each row with all its cells in one line."""
    monkeypatch.setenv("COLUMNS", "30")
    table().show()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(cell in lines[1] for cell in ROWS[0])


def test_a_box_breaks_no_name(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit between its sides stands without them."""
    monkeypatch.setattr(type(screen.console.file), "isatty", lambda _: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")  # a dumb terminal has 80 columns, whatever COLUMNS says
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(screen, "console", type(screen.console)(highlight=False))  # its width was read when it was made
    screen.boxed("a short line\n" + "bucket-" * 6)
    lines = capsys.readouterr().out.splitlines()
    assert "bucket-" * 6 in lines
    screen.boxed("a short line")
    assert "╭" in capsys.readouterr().out


@pytest.mark.parametrize("columns", [60, 80])
def test_help_cuts_no_option(columns: int) -> None:
    """Every option of every command, with its variable, is whole in `--help`, and so is what each command does."""
    shown = on_a_terminal(columns, "tune", "--help")
    for option in ("--early-stopping", "--learning-rate MIN:MAX", "-c, --context lab.KEY=VALUE", "BRICKLAB_TARGET"):
        assert option in shown
    assert "BRICKLAB_ENFORCE_IAM" in on_a_terminal(columns, "up", "--help")
    everything = " ".join(on_a_terminal(columns, "--help").split())
    assert "…" not in everything
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        first = str(command.help).partition(". ")[0]
        assert f"{name} {first}".replace("cdk-nag", "cdk- nag") in everything.replace("cdk-nag", "cdk- nag")


def test_a_term_below_nothing_says_what_a_term_is() -> None:
    """`extend -2h` is about a lease, and not about an option -2."""
    said = on_a_terminal(200, "extend", "-2h")
    assert "'-2h': a lease is prolonged, never shortened: `./lab extend 2h` adds to it" in said
