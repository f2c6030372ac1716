"""What is installed from the Python locks: the lab's own environment, the images, and the checkers' environments."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from cli import paths
from cli.embedded import IMAGES
from cli.programs import ENVIRONMENTS
from embedded_aws.runtime import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.runtime.images import Image

LAB = "lab"


@dataclass(frozen=True)
class Place:
    """A place that has packages: its name, its lock, and the list that the lock is made of."""

    name: str
    lock: Path

    @property
    def asked(self) -> Path:
        """Return the list of what is asked for by name."""
        return self.lock.with_suffix(".in")

    @property
    def label(self) -> str:
        """Return what it is called in a table: an image by its repository, for all of its tags."""
        return re.sub(r"-\d.*", "", self.name)

    @property
    def is_installed(self) -> bool:
        """Return whether it is there, or is small and installed when it is looked at, as a checker's environment is."""
        if not self.is_image:
            return True
        return images.is_installed(self.name, images_dir=self.lock.parent, cache_dir=paths.cache())

    @property
    def is_image(self) -> bool:
        """Return whether it stands for a container image of AWS's."""
        return self.lock.parent == IMAGES

    def install(self) -> Path:
        """Return its Python; an image or a checker's environment is installed first if need be."""
        return Path(sys.executable) if self.name == LAB else self._image().python

    def packages(self) -> Iterator[metadata.Distribution]:
        """Return what is installed in it; it is installed first if need be."""
        if self.name == LAB:
            return iter(metadata.distributions())
        image = self._image()
        return iter(metadata.distributions(path=[str(image.python.parent.parent / image.packages)]))

    def _image(self) -> Image:
        return images.install(self.name, images_dir=self.lock.parent, cache_dir=paths.cache())


def places() -> list[Place]:
    """List every place, the lab's first; images of one list are one place."""
    return [
        Place(LAB, paths.ROOT / "requirements.txt"),
        *(Place(lock.stem, lock) for folder in (IMAGES, ENVIRONMENTS) for lock in sorted(folder.glob("*.txt"))),
    ]
