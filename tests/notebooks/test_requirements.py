"""The packages of the student's notebook: the same wherever it runs, and on a notebook instance the lab's to bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import paths
from cli.security.locks import pins

if TYPE_CHECKING:
    from pathlib import Path


def versions(lock: Path) -> dict[str, str]:
    """Return the version of each package on this machine."""
    return {pin.name: pin.version for pin in pins(lock) if pin.is_for_this_machine()}


def test_every_package_of_the_notebook_is_there_in_its_version() -> None:
    """On the lab's own machine nothing has to be installed, and what a seat installs is in its cache."""
    wanted, there = (versions(paths.ROOT / lock) for lock in ("notebooks/requirements.txt", "requirements.txt"))
    assert wanted
    assert {name: there.get(name) for name in wanted} == wanted


def test_a_notebook_instance_has_no_tensorflow() -> None:
    """As on Amazon Linux 2023: what a lifecycle script forgets to bring is missing here too."""
    there = versions(paths.ROOT / "embedded_aws" / "images" / "notebook-al2023-v1.txt")
    assert "jupyterlab" in there
    assert not there.keys() & {"tensorflow", "tensorflow-cpu", "keras", "tensorboard", "awswrangler"}
