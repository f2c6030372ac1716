"""The packages of the student's notebook: the same wherever it runs, and on a notebook instance the lab's to bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from cli import paths

if TYPE_CHECKING:
    from pathlib import Path


def pins(file: Path) -> dict[str, str]:
    """Return the version of each package on this machine, those of this repository apart."""
    lines = [line.partition("#")[0].strip() for line in file.read_text().splitlines()]
    wanted = [Requirement(line) for line in lines if line and not line.startswith("-e ")]
    return {one.name: str(one.specifier) for one in wanted if one.marker is None or one.marker.evaluate()}


def test_every_package_of_the_notebook_is_there_in_its_version() -> None:
    """On the lab's own machine nothing has to be installed, and what a seat installs is in its cache."""
    wanted, there = pins(paths.ROOT / "notebooks" / "requirements.txt"), pins(paths.ROOT / "requirements.txt")
    assert wanted
    assert {name: there.get(name) for name in wanted} == wanted


def test_a_notebook_instance_has_no_tensorflow() -> None:
    """As on Amazon Linux 2023: what a lifecycle script forgets to bring is missing here too."""
    there = pins(paths.ROOT / "embedded_aws" / "images" / "notebook-al2023-v1.txt")
    assert "jupyterlab" in there
    assert not there.keys() & {"tensorflow", "tensorflow-cpu", "keras", "tensorboard", "awswrangler"}
