"""What a container is given besides its image: its folder in the place of /opt/ml, and its environment."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.runtime import layer
from embedded_aws.runtime.relocate import relocate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.runtime.images import Image

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


class Container:
    """One container's folders: `ml` is its /opt/ml, `layer` what it installs, `home` its home and temporary folder.

    `places` says where the paths lie here that mean something in a container only.
    """

    def __init__(self, folder: Path, image: Image) -> None:
        """Make the folders, which must not be there yet."""
        self.ml = folder / "ml"
        self.home = folder / "home"
        self.places = {"/opt/ml": self.ml}
        self._volumes = folder / "volumes"
        self._layer = folder / "layer"
        self._image = image
        self.ml.mkdir(parents=True)
        (self.home / "tmp").mkdir(parents=True)
        self.python = layer.make(image, self._layer)

    def place(self, path: str) -> Path:
        """Where an absolute path of the container lies; one that has no place yet gets it."""
        wanted = posixpath.normpath("/" + path.lstrip("/"))
        found = relocate(wanted, self.places)
        if found == wanted:
            self.places[wanted] = self._volumes / str(len(self.places))
            return self.places[wanted]
        return Path(found)

    def environment(self, machine: Mapping[str, str], **added: str) -> dict[str, str]:
        """The whole environment; see `environment` below."""
        search_path = layer.search_path(self._image, self._layer)
        return environment(machine, home=self.home, temporary=self.home / "tmp", PATH=search_path, **added)


def environment(machine: Mapping[str, str], *, home: Path, temporary: Path, **added: str) -> dict[str, str]:
    """The environment of AWS's Deep Learning Containers, and `added` last.

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
