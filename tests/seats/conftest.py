"""The class: its roster, its settings, and one of its students."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.seats.class_of_two import Student, settings_of, write_roster

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Lab


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class's roster."""
    return write_roster(tmp_path_factory.mktemp("class"))


@pytest.fixture(scope="module")
def settings(roster: Path) -> list[str]:
    """The lab's settings, as options of every command."""
    return settings_of(roster)


@pytest.fixture(scope="module")
def ada(lab: Lab) -> Student:
    """Ada, once the class is up."""
    return Student(lab, "ada")
