"""The class: its roster, its settings, and one of its students."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.seats.class_of_two import NAME, Student

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Lab


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class's roster; one of its students has a name that AWS could not take."""
    file = tmp_path_factory.mktemp("class") / "class.csv"
    file.write_text("name,email\nAda,ada@school.example\nGrace Hopper,grace@school.example\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def settings(roster: Path) -> list[str]:
    """The lab's settings, as options of every command."""
    return ["-c", f"lab.name={NAME}", "-c", f"lab.seats={roster}", "-c", "lab.epochs=1"]


@pytest.fixture(scope="module")
def ada(lab: Lab) -> Student:
    """Ada, once the class is up."""
    return Student(lab, "ada")
