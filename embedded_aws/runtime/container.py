"""A container without a container engine: a folder in the place of /opt/ml, a layer over its image, an environment.

`launch/train.py` loads this file by its path in the image's own Python: it imports nothing of this package.
"""

from __future__ import annotations

import posixpath
import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.runtime.images import Image

_HOST_NAMES = Path(__file__).with_name("launch") / "host_names.py"
_IMPORT_HOST_NAMES = 'import os; "SAGEMAKER_JOB_HOSTS" in os.environ and __import__("_job_hosts")\n'

# Settings of the machine that a container of a network-attached instance would not need: how the package index is
# reached, and whose certificates are trusted. They are taken over from the gateway's environment, nothing else is.
_PASSED_ON = (
    "AWS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)

# What a path can't begin after, unless it is a file's URL, and what can't follow its last component.
_BEFORE = r"(?:(?<=file://)|(?<![\w.}~/)\]*?%+-]))"
_AFTER = r"(?![\w+@%~-]|\.\w)"


class Container:
    """The folders of one container.

    `ml` is its /opt/ml, `home` its home and temporary folder, `python` its interpreter. `mounts` says where the paths
    that mean something in a container only lie on this machine.
    """

    def __init__(self, folder: Path, image: Image) -> None:
        """Make the folders, which must not be there yet."""
        self.ml = folder / "ml"
        self.home = folder / "home"
        self.mounts = {"/opt/ml": self.ml}
        self._volumes = folder / "volumes"
        self._layer = folder / "layer"
        self._image = image
        self.ml.mkdir(parents=True)
        (self.home / "tmp").mkdir(parents=True)
        self.python = make_layer(image, self._layer)

    def local_path(self, path: str) -> Path:
        """Return where an absolute path of the container lies; mount a volume there if nothing is mounted above it."""
        wanted = posixpath.normpath("/" + path.lstrip("/"))
        found = rewrite_paths(wanted, self.mounts)
        if found == wanted:
            self.mounts[wanted] = self._volumes / str(len(self.mounts))
            return self.mounts[wanted]
        return Path(found)

    def environment(self, machine: Mapping[str, str], **added: str) -> dict[str, str]:
        """Return the whole environment; see `environment` below."""
        search_path = f"{self._layer / 'bin'}:{self._image.python.parent}:/usr/local/bin:/usr/bin:/bin"
        return environment(machine, home=self.home, temporary=self.home / "tmp", PATH=search_path, **added)


def environment(machine: Mapping[str, str], *, home: Path, temporary: Path, **added: str) -> dict[str, str]:
    """Return the environment of AWS's Deep Learning Containers, and `added` last.

    `machine` is the gateway's own environment: of it only the way to the package index is taken over. Python's settings
    are those in tensorflow/training/docker/2.19/py3/Dockerfile.cpu of aws/deep-learning-containers, except
    PYTHONDONTWRITEBYTECODE: an image here is kept, so what is compiled once serves the next start.
    """
    return {
        **{name: machine[name] for name in _PASSED_ON if name in machine},
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONIOENCODING": "UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        **added,
    }


def make_layer(image: Image, folder: Path) -> Path:
    """Make the writable layer over an image in `folder`; return its interpreter.

    It is a virtual environment of a few links whose packages are found before the image's, as a container's own file
    system layer lies over its image. pip counts what the image has as satisfied and installs only the rest, here: what
    one container installs changes nothing for the next.
    """
    below = image.python.parent.parent
    (packages_below,) = below.glob("lib/python3.*/site-packages")
    packages = folder / packages_below.relative_to(below)
    packages.mkdir(parents=True)
    (packages / "_image.pth").write_text(f"import site; site.addsitedir({str(packages_below)!r})\n")
    shutil.copy(_HOST_NAMES, packages / "_job_hosts.py")
    (packages / "_job_hosts.pth").write_text(_IMPORT_HOST_NAMES)
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


def rewrite_paths(text: str, mounts: Mapping[str, Path]) -> str:
    """Return the text with each absolute path of `mounts`, and whatever lies below it, as the path where it lies here.

    `/opt/ml` is replaced in `/opt/ml/model`, not in `/opt/ml2` and not in `/srv/opt/ml`.
    """
    longest_first = sorted(mounts, key=len, reverse=True)
    paths = "|".join(map(re.escape, longest_first))
    return re.sub(f"{_BEFORE}({paths}){_AFTER}", lambda found: str(mounts[found[1]]), text) if mounts else text
