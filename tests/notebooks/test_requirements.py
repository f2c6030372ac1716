"""The packages of the student's notebook are the same wherever it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from cli import paths

if TYPE_CHECKING:
    from pathlib import Path


def pins(file: Path) -> dict[str, str]:
    """The version of each package on this machine."""
    lines = [line.partition("#")[0].strip() for line in file.read_text().splitlines()]
    wanted = [Requirement(line) for line in lines if line]
    return {one.name: str(one.specifier) for one in wanted if one.marker is None or one.marker.evaluate()}


@pytest.mark.parametrize("other", ["requirements.txt", "emulator/images/notebook-al2023-v1.txt"])
def test_every_package_of_the_notebook_is_there_in_its_version(other: str) -> None:
    """On the lab's own machine and in the notebook instance's image nothing has to be installed."""
    wanted, there = pins(paths.ROOT / "notebooks" / "requirements.txt"), pins(paths.ROOT / other)
    assert wanted
    assert {name: there.get(name) for name in wanted} == wanted
