"""A container without a container engine: a folder that is /opt/ml, a layer over its image, an environment.

In a sandbox a program finds all of it where AWS has it: `/opt/ml`, its home `/root`, Python and what it installs below
`/usr/local`. Without one it runs on the machine itself, and the container's absolute paths in what it is given are put
where they lie there.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from embedded_aws.runtime.paths import rewrite_paths
from embedded_aws.runtime.process import Process
from embedded_aws.runtime.sandbox import View

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Mapping, Sequence

    from embedded_aws.runtime.image_families import Program
    from embedded_aws.runtime.images import Image
    from embedded_aws.runtime.sandbox import Bubblewrap

_HOST_NAMES = Path(__file__).with_name("launch") / "host_names.py"
_IMPORT_HOST_NAMES = 'import os; "SAGEMAKER_JOB_HOSTS" in os.environ and __import__("_job_hosts")\n'

# Settings of the machine that a container of a network-attached instance would not need: how the package index is
# reached, and whose certificates are trusted. They are taken over from the gateway's environment, nothing else is.
PASSED_ON = (
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

# Where a sandbox has what AWS has below /usr/local, as the layer is there: image, this package's programs, Python.
PACKAGE = Path(__file__).resolve().parents[1]
IMAGE, PROGRAMS = "/opt/image", "/opt/aws/embedded_aws"
_PYTHON = Path("/opt/python")
_SEARCH_PATH = f"/usr/local/sbin:/usr/local/bin:{IMAGE}/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Folders:
    """The folders of a container: `ml` is its /opt/ml, and `mounts` says where paths of it lie on this machine."""

    notice = ""  # what its log is to begin with

    def __init__(self, folder: Path) -> None:
        """Make its /opt/ml in a folder that is not there yet."""
        self.ml = folder / "ml"
        self.home = folder / "home"
        self.mounts = {"/opt/ml": self.ml}
        self._folder = folder
        self.ml.mkdir(parents=True)

    def rewrite(self, text: str) -> str:
        """Return a text with the container's paths as its programs know them."""
        return text

    def local_path(self, path: str) -> Path:
        """Return where an absolute path of the container lies; mount a volume there if nothing is mounted above it."""
        wanted = posixpath.normpath("/" + path.lstrip("/"))
        found = rewrite_paths(wanted, self.mounts)
        if found == wanted:
            self.mounts[wanted] = self._folder / "volumes" / str(len(self.mounts))
            return self.mounts[wanted]
        return Path(found)


class Container(Folders):
    """A container of an image that is installed: its folders, and the layer over its image.

    `home` is its home folder, `python` its interpreter by the path that the container knows.
    """

    launch = staticmethod(Process)

    def __init__(self, folder: Path, image: Image, bubblewrap: Bubblewrap | None) -> None:
        """Make the folders, which must not be there yet. Without bubblewrap its programs run on the machine itself."""
        super().__init__(folder)
        self._layer = folder / "layer"
        self._image = image
        self._bubblewrap = bubblewrap
        (self.home / "tmp").mkdir(parents=True)
        if bubblewrap:
            self.mounts |= {"/root": self.home, "/tmp": self.home / "tmp"}  # noqa: S108 - the container's
            interpreter = MountedPython(image.python)
            self._system = {IMAGE: image.python.parent.parent, PROGRAMS: PACKAGE, **interpreter.mounts}
            make_layer(image, self._layer, packages=f"{IMAGE}/{image.packages}", interpreter=interpreter.path)
            self.python = "/usr/local/bin/python"
        else:
            self.python = str(make_layer(image, self._layer))
            add_host_names(self._layer / image.packages)

    @property
    def rewritten(self) -> Mapping[str, Path]:
        """Return which of its paths mean nothing to its programs, and where they lie: none in a sandbox."""
        return {} if self._bubblewrap else self.mounts

    def rewrite(self, text: str) -> str:
        """Return a text with the container's paths as its programs know them."""
        return rewrite_paths(text, self.rewritten)

    def inside(self, path: Path) -> str:
        """Return the path by which its programs know a file of the container, or of this package."""
        if not self._bubblewrap:
            return str(path)
        return path_inside(path, {**self.mounts, PROGRAMS: PACKAGE})

    def program(self, program: Program) -> list[str]:
        """Return the words that run a program of this package in the image's Python, with none of ours on its path.

        Before Python 3.11 there is no way to: the folder of the program is on it.
        """
        safe = [] if self._image.packages.match("lib/python3.10/*") else ["-P"]
        return [self.python, *safe, self.inside(PACKAGE / program.file), *program.words]

    def server(self, program: Program, listening: socket.socket) -> list[str]:
        """Return the words that run a program of this package which serves what is in /opt/ml on a socket."""
        return [*self.program(program), str(listening.fileno()), self.inside(self.ml)]

    def command(
        self, words: Sequence[str], *, host: str, addresses: Mapping[str, str], network: bool = True
    ) -> list[str]:
        """Return the command that runs `words` in it, as the host of that name, one of those with `addresses`.

        Several hosts are not cut off here, for they are to reach each other: what else there is, network.py says.
        """
        if not self._bubblewrap:
            return list(words)
        for place in self.mounts.values():
            place.mkdir(parents=True, exist_ok=True)
        view = View(
            writable={"/usr/local": self._layer, **self.mounts},
            read_only={
                **self._system,
                **write_etc(self._folder / "etc", host, addresses),
                **named_files(os.environ, PASSED_ON),
            },
            folder="/opt/ml",
            host_name=host,
            network=network or len(addresses) > 1,
        )
        return self._bubblewrap.command(words, view)

    def environment(self, machine: Mapping[str, str], **added: str) -> dict[str, str]:
        """Return the whole environment; see `environment` below."""
        if self._bubblewrap:
            return environment(machine, HOME="/root", PATH=_SEARCH_PATH, **added)
        search_path = f"{self._layer / 'bin'}:{self._image.python.parent}:/usr/local/bin:/usr/bin:/bin"
        home = str(self.home)
        return environment(machine, HOME=home, TMPDIR=str(self.home / "tmp"), PATH=search_path, **added)


def path_inside(path: Path, mounts: Mapping[str, Path]) -> str:
    """Return the path by which a container knows a file of this machine that lies below one of its mounts."""
    above = [(place, inside) for inside, place in mounts.items() if path.is_relative_to(place)]
    place, inside = max(above, key=lambda each: len(each[0].parts))
    return str(PurePosixPath(inside, path.relative_to(place)))


class MountedPython:
    """Where a sandbox has the Python that an image is made for: in a place of its own, so that no log tells this one's.

    It is in its place here too, but for one of /usr/local: the image's programs know it there, and a shared library.
    """

    def __init__(self, python: Path, place: Path = _PYTHON) -> None:
        """Take an image's own link to it, and where it is to be."""
        real = python.resolve()
        prefix = real.parents[1]
        if prefix == Path("/usr"):
            self.path, self.mounts = real, dict[str, Path]()
            return
        self.path = place / real.relative_to(prefix)
        self.mounts = {str(path): prefix for path in (place, prefix) if path != Path("/usr/local")}


def write_etc(folder: Path, host: str, addresses: Mapping[str, str], *, users: str = "") -> dict[str, Path]:
    """Write the files of /etc that are a sandbox's own; return them by their paths there. `users` are further lines."""
    names = "".join(f"{address} {name}\n" for name, address in addresses.items())
    contents = {
        "hosts": f"127.0.0.1 localhost\n::1 localhost\n{names}",
        "hostname": f"{host}\n",
        "passwd": f"root:x:0:0:root:/root:/bin/bash\n{users}nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
        "group": "root:x:0:\nnogroup:x:65534:\n",
    }
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(content)
    return {f"/etc/{name}": folder / name for name in contents}


def named_files(machine: Mapping[str, str], names: Iterable[str]) -> dict[str, Path]:
    """Return the files and folders that variables of these names speak of, each in its own place."""
    words = [word for name in names for word in machine.get(name, "").split()]
    return {word: Path(word) for word in words if word.startswith("/") and Path(word).exists()}


def environment(machine: Mapping[str, str], **added: str) -> dict[str, str]:
    """Return the environment of AWS's Deep Learning Containers, and `added` last.

    `machine` is the gateway's own environment: of it only the way to the package index is taken over. Python's settings
    are those in tensorflow/training/docker/2.19/py3/Dockerfile.cpu of aws/deep-learning-containers, except
    PYTHONDONTWRITEBYTECODE: an image here is kept, so what is compiled once serves the next start.
    """
    return {
        **{name: machine[name] for name in PASSED_ON if name in machine},
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONIOENCODING": "UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        **added,
    }


def make_layer(image: Image, folder: Path, *, packages: str | None = None, interpreter: Path | None = None) -> Path:
    """Make the writable layer over an image in `folder`; return its interpreter.

    It is a virtual environment of a few links whose packages are found before the image's, as a container's own file
    system layer lies over its image. pip counts what the image has as satisfied and installs only the rest, here: what
    one container installs changes nothing for the next. `packages` and `interpreter` say where the image's lie as the
    container sees them, if not where they are.
    """
    below = image.python.parent.parent
    real = interpreter or image.python.resolve()
    own = folder / image.packages
    own.mkdir(parents=True)
    (own / "_image.pth").write_text(f"import site; site.addsitedir({packages or str(below / image.packages)!r})\n")
    home = re.sub(r"(?m)^home *=.*$", f"home = {real.parent}", (below / "pyvenv.cfg").read_text())
    (folder / "pyvenv.cfg").write_text(home)
    python = folder / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(real)
    (folder / "bin" / "python3").symlink_to("python")
    if (image.python.parent / "pip").exists():
        # The image's own pip would install into the image.
        for name in ("pip", "pip3"):
            program = folder / "bin" / name
            program.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n')
            program.chmod(0o755)
    return python


def add_host_names(packages: Path) -> None:
    """Let the Pythons of a layer find a job's hosts by name where there is no /etc/hosts of the container's own."""
    shutil.copy(_HOST_NAMES, packages / "_job_hosts.py")
    (packages / "_job_hosts.pth").write_text(_IMPORT_HOST_NAMES)
