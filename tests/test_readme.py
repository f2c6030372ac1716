"""What README.md and docs/ tell a reader to type exists, and works in a fresh shell."""

from __future__ import annotations

import re
import shlex
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import paths
from cli.command_line import app

PAGES = [paths.ROOT / "README.md", *sorted((paths.ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"(?:^    \S.*\n?)+", re.MULTILINE)
_INLINE = re.compile(r"`((?:\./lab|python[0-9.]*|pip|\.venv/bin/[^\s`]+|\.ci/[^\s`]+) [^`]+|\.ci/[^\s`]+)`")
_COMMAND = re.compile(r"(\./lab|eval|source|cdk|python[0-9.]*|pip|npm|\.venv/\S+|\.ci/\S+)( |$)")
_LEFT_OPEN = ("…", "NAME")


def blocks(page: Path) -> list[list[str]]:
    """The lines of each indented block that is one of commands, and each command in the text."""
    text = page.read_text()
    indented = [[line.strip() for line in block.splitlines()] for block in _BLOCK.findall(text)]
    commands = [block for block in indented if any(_COMMAND.match(line) for line in block)]
    return [*commands, *([command] for command in _INLINE.findall(text))]


BLOCKS = [pytest.param(block, id=f"{page.name}: {block[0]}") for page in PAGES for block in blocks(page)]


def words(line: str) -> list[str]:
    """What the shell makes of a line, without what comes after it."""
    given = shlex.split(line, comments=True)
    return given[: given.index(">")] if ">" in given else given


def check(line: str, *, activated: bool) -> None:
    """Hold one line against what there is."""
    if substituted := re.fullmatch(r'eval "\$\((.*)\)".*', line):
        check(substituted[1], activated=activated)
        return
    first, *arguments = words(line)
    if any(mark in line.partition(" # ")[0] for mark in _LEFT_OPEN):
        return
    if first == "./lab":
        if arguments and arguments[0] == "bench":
            assert len(arguments) == 1 or (paths.ROOT / "bench" / f"{arguments[1]}.py").exists()
        else:  # help is given to whoever names a command and options that there are
            told = CliRunner().invoke(app, [*arguments, "--help"])
            assert told.exit_code == 0, told.output
    elif first.startswith(".venv/"):
        assert (Path(sysconfig.get_path("scripts")) / Path(first).name).exists()
        if arguments[:1] == ["-m"]:
            assert find_spec(arguments[1])
    elif first.startswith(".ci/"):
        assert (paths.ROOT / first).exists()
    else:
        assert first == "source" or (activated and first == "cdk"), f"{first} is not what a fresh shell has"


@pytest.mark.parametrize("block", BLOCKS)
def test_what_is_to_be_typed_exists(block: list[str]) -> None:
    """Each command and option is there, and no program is named that only an activated environment has."""
    for number, line in enumerate(block):
        check(line, activated=any(each.startswith("source .venv/bin/activate") for each in block[:number]))


def test_a_command_that_is_not_there_is_found() -> None:
    """The reader of commands is no sham: a wrong command, option and program each fail."""
    for line in ("./lab fly", "./lab up --quickly", "python -m datasets --out bricks", ".venv/bin/python -m nothing"):
        with pytest.raises(AssertionError):
            check(line, activated=False)
