"""Copies of a lab's files on this machine: TensorBoard's logs, and the data that a notebook works on."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from cli import paths
from infra.settings import DATA_FILES
from teardown.scope import Scope

if TYPE_CHECKING:
    from pathlib import Path

    from cli.aws.session import Target

DATA = paths.HOME / "data"
_TENSORBOARD = paths.HOME / "tensorboard"


def logs(target: Target, name: str) -> Path:
    """Return the folder for TensorBoard's logs of a lab, or of some of its jobs."""
    return _TENSORBOARD / str(target) / name


def clear(target: Target, lab: str) -> str:
    """Delete the lab's copies; say in a sentence what stays: files that somebody has put among them."""
    folder = _TENSORBOARD / str(target)
    for path in folder.iterdir() if folder.is_dir() else ():
        if Scope(lab=lab).names(path.name.removesuffix(".log")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in DATA_FILES:
        (DATA / name).unlink(missing_ok=True)
    for empty in (folder, _TENSORBOARD, DATA):
        with suppress(OSError):  # it is not there, or something else is in it
            empty.rmdir()
    return f"{DATA} stays: it has files that are not the lab's." if DATA.exists() else ""
