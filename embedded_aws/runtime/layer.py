"""The writable layer over an image: what one container installs changes nothing for the next.

A virtual environment of a few links whose packages are found before the image's, as a container's own file system
layer lies over its image. pip counts what the image has as satisfied and installs only the rest, here.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedded_aws.runtime.images import Image

_NAMES = Path(__file__).with_name("launch") / "names.py"
_READ_NAMES = 'import os; "SAGEMAKER_JOB_HOSTS" in os.environ and __import__("_job_hosts")\n'


def make(image: Image, folder: Path) -> Path:
    """Make the layer in `folder`; returns its interpreter."""
    below = image.python.parent.parent
    (packages_below,) = below.glob("lib/python3.*/site-packages")
    packages = folder / packages_below.relative_to(below)
    packages.mkdir(parents=True)
    (packages / "_image.pth").write_text(f"import site; site.addsitedir({str(packages_below)!r})\n")
    shutil.copy(_NAMES, packages / "_job_hosts.py")
    (packages / "_job_hosts.pth").write_text(_READ_NAMES)
    shutil.copy(below / "pyvenv.cfg", folder)
    python = folder / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(image.python.resolve())
    (folder / "bin" / "python3").symlink_to("python")
    if (image.python.parent / "pip").exists():
        # The image's own pip would install into the image.
        for name in ("pip", "pip3"):
            program = folder / "bin" / name
            program.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} -m pip "$@"\n')
            program.chmod(0o755)
    return python


def search_path(image: Image, folder: Path) -> str:
    """The PATH of a container of the image: the layer's programs, the image's, the system's."""
    return f"{folder / 'bin'}:{image.python.parent}:/usr/local/bin:/usr/bin:/bin"
