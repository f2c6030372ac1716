"""`./lab test`: what pytest is asked to run, and what is said of a path or test that there is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cli import paths
from cli.command_line import app
from cli.commands import test as command
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "tests/infra/test_settings.py"
ITSELF = "tests/cli/commands/test_test.py"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments that pytest is started with, instead of its start."""
    arguments: list[str] = []
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")  # which the command takes away, and this test gives back
    monkeypatch.setattr("cli.embedded.install_images", lambda: None)
    monkeypatch.setattr(command, "become", lambda program, given: arguments.extend([program, *given]))
    return arguments


@pytest.mark.parametrize(
    ("typed", "run"),
    [
        ([], ["--durations=25"]),
        ([FILE], [FILE, "--numprocesses=0"]),
        ([f"{ITSELF}::test_help_teaches"], [f"{ITSELF}::test_help_teaches", "--numprocesses=0"]),
        ([FILE, "-n", "2", "-x"], [FILE, "-n", "2", "-x"]),
        (["tests/infra", "tests/cli"], ["tests/infra", "tests/cli"]),
        (["tests/infra", "-k", "seat and not roster"], ["tests/infra", "-k", "seat and not roster"]),
        (["--maxfail", "2", "tests/infra"], ["--maxfail", "2", "tests/infra"]),
    ],
)
def test_pytest_runs_what_was_named(asked: list[str], typed: list[str], run: list[str]) -> None:
    """A whole run ends with its slowest tests; one file has no workers to wait for, unless they are asked for."""
    CliRunner().invoke(app, ["test", *typed])
    assert asked == ["pytest", *run]


def test_a_path_is_seen_from_where_it_is_typed(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of the repository, and outside of it."""
    monkeypatch.chdir(paths.ROOT / "tests" / "infra")
    CliRunner().invoke(app, ["test", "test_settings.py"])
    assert asked == ["pytest", FILE, "--numprocesses=0"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("tests/infra/test_setings.py", rf"^There is no tests/infra/test_setings\.py\. Did you mean {FILE}"),
        ("infra/test_roster.py", r"Did you mean tests/"),
        ("nowhere/at/all", r"^There is no nowhere/at/all\. Name a file or folder of tests/, or a test: FILE::TEST\.$"),
        ("cli/downloads.py", r"^cli/downloads\.py has no tests in it: .* Did you mean tests/cli/test_downloads\.py\?$"),
        (
            "tests/cli/test_downloads.py::test_nothing",
            r"^There is no test test_nothing in tests/cli/test_downloads\.py\. ",
        ),
    ],
)
def test_a_wrong_path_is_one_sentence(asked: list[str], typed: str, said: str) -> None:
    """With what may have been meant, and without a start of pytest."""
    with pytest.raises(LabError, match=said):
        command.test([typed], expression=None, last_failed=False)
    assert not asked


def test_what_failed_the_last_time_is_run_again(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without workers if it is in one file; if nothing failed, that is said, and nothing is run."""
    cache = tmp_path / "lastfailed"
    monkeypatch.setattr(command, "_LAST_FAILED", cache)
    assert "Nothing failed the last time" in CliRunner().invoke(app, ["test", "--last-failed"]).output
    assert not asked
    cache.write_text(json.dumps({f"{FILE}::test_one": True, f"{FILE}::test_two": True}))
    CliRunner().invoke(app, ["test", "--last-failed"])
    assert asked == ["pytest", "--last-failed", "--numprocesses=0"]


def test_help_teaches() -> None:
    """What may be named, and where other options go."""
    told = " ".join(CliRunner().invoke(app, ["test", "--help"]).output.split())
    for words in ("[PATH]", "FILE::TEST", "--last-failed", "-k WORDS", "go to pytest"):
        assert words in told
