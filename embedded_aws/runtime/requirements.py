"""What a requirements.txt asks for, and whether it is installed: asking pip itself takes it a second."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

if TYPE_CHECKING:
    from pathlib import Path


def wanted(requirements: Path) -> list[str]:
    """Return the lines of the file that ask for something."""
    text = requirements.read_text(encoding="utf-8", errors="replace")  # pip has its own words for what is no UTF-8
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def are_met(requirements: Path) -> bool:
    """Return whether all of it is installed; False too for a file with anything but plain requirements in it."""
    return all(map(_is_met, wanted(requirements)))


def _is_met(line: str) -> bool:
    try:
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate():
            return True
        return not wanted.url and not wanted.extras and wanted.specifier.contains(version(wanted.name))
    except (InvalidRequirement, PackageNotFoundError):
        return False
