"""The Pythons of a notebook instance: the system's, conda's, and those that dnf and conda can bring.

Amazon Linux 2023's own is 3.9, and its dnf has the others ("Python in AL2023" in its guide); conda's kernels have 3.10.
In the place of conda's is always the one that the embedded AWS itself runs on; in the place of the system's it is so
without a sandbox, or where this computer has no 3.9.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.runtime.container import MountedPython

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.runtime.images import Image

BINARIES = "/opt/system/bin"
"""Where a sandbox has the programs of /usr/bin."""
SYSTEM, _CONDA = "3.9", "3.10"
VERSIONS = (SYSTEM, "3.11", "3.12", "3.13", "3.14")
_PLACE = Path("/opt/pythons")
_USR = Path("/usr")


class Pythons:
    """Those of this computer, `found` by their versions, and the image's own, as a machine has them."""

    def __init__(self, found: Mapping[str, Path], image: Image, *, sandboxed: bool) -> None:
        """Take them; without a sandbox they are where they are."""
        self._found, self._own, self._sandboxed = found, image.python, sandboxed
        self._version = image.packages.parts[1].removeprefix("python")

    @property
    def conda(self) -> Path:
        """Return conda's."""
        return _inside(MountedPython(self._own)) if self._sandboxed else self._own.resolve()

    @property
    def system(self) -> Path | None:
        """Return the system's, if this computer has one of the version: without a sandbox it has packages."""
        return self.brought.get(SYSTEM) if self._sandboxed else None

    @property
    def brought(self) -> dict[str, Path]:
        """Return those that can be brought, by their versions."""
        if not self._sandboxed:
            return dict(self._found)
        return {version: _inside(mounted) for version, mounted in self._mounted()}

    def stand_ins(self) -> str:
        """Return a sentence on what the embedded AWS's own stands in for; empty if for nothing."""
        own = self._version
        places = [] if own == _CONDA else [f"conda's {_CONDA}"]
        places += [] if self.system or own == SYSTEM else [f"the system's {SYSTEM}"]
        return f"Python {own} of this computer stands in for {' and '.join(places)}." if places else ""

    def mounts(self, empty: Path) -> dict[str, Path]:
        """Return what a sandbox is to have of them: all but the packages that somebody has installed here."""
        mounts = dict[str, Path]()
        for version, mounted in ((self._version, MountedPython(self._own)), *self._mounted()):
            mounts |= mounted.mounts
            packages = (f"lib/python{version}/site-packages", f"lib64/python{version}/site-packages")
            for place, prefix in (mounted.mounts or {str(_USR): _USR}).items():
                for folder in (*packages, "lib/python3/dist-packages"):
                    if (prefix / folder).is_dir() and not (prefix / folder.partition("/")[0]).is_symlink():
                        mounts[f"{place}/{folder}"] = empty
        return mounts

    def _mounted(self) -> Iterator[tuple[str, MountedPython]]:
        return ((version, MountedPython(python, _PLACE / version)) for version, python in self._found.items())


def _inside(python: MountedPython) -> Path:
    """Return a Python as a sandbox has it."""
    return Path(BINARIES, python.path.name) if python.path.parent == _USR / "bin" else python.path
