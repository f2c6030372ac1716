"""What is installed of the images: which, how large, and how one is removed."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

import psutil
from filelock import FileLock

from embedded_aws.runtime import image_families, images, interpreters
from embedded_aws.runtime.images import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_REFERENCE = re.compile(r"(?P<repository>[\w./-]+):(?P<tag>[\w.-]+)")
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class ListedImage:
    """An image by its name: the Python that AWS's has, where it lies, and the bytes that it takes there.

    `shares` are other images of the same list, which go with it; `path` is None while it is not installed.
    """

    name: str
    python: str
    shares: tuple[str, ...]
    path: Path | None
    size: int

    def document(self, region: str) -> dict[str, Any]:
        """Return it for programs, with its URI in a region of AWS."""
        return {
            "name": self.name,
            "uri": images.uri_of(self.name, region),
            "python": self.python,
            "installed": self.path is not None,
            "bytes": self.size,
            "path": str(self.path) if self.path else None,
            "shares": list(self.shares),
        }


@dataclass(frozen=True)
class Removal:
    """What the removal of an image's installation came to: the bytes that it freed, 0 if there was none."""

    name: str
    freed: int
    shares: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {"name": self.name, "bytes": self.freed, "shares": list(self.shares)}

    def __str__(self) -> str:
        if not self.freed:
            return f"{self.name} was not installed."
        others = f" (and with it {', '.join(self.shares)})" if self.shares else ""
        return f"{self.name}{others} is removed: {size_in_words(self.freed)}."


def listed(*, images_dir: Path, cache_dir: Path) -> list[ListedImage]:
    """Return every image, sorted by name, whether it is installed or not."""
    size = cache(_size)  # of what several images share, once
    return [_describe(name, images_dir, cache_dir, size) for name in images.available(images_dir)]


def describe(name: str, *, images_dir: Path, cache_dir: Path) -> ListedImage:
    """Return what is known of an image, by its name."""
    return _describe(name, images_dir, cache_dir, _size)


def _describe(name: str, images_dir: Path, cache_dir: Path, size: Callable[[Path], int]) -> ListedImage:
    path = images.installation(name, images_dir=images_dir, cache_dir=cache_dir)
    python = image_families.of(name)[1].python or interpreters.wanted(name)
    return ListedImage(name, python, _sharing(name, images_dir), path, size(path) if path else 0)


def _sharing(name: str, images_dir: Path) -> tuple[str, ...]:
    """Return the other images of the same list of packages."""
    packages = image_families.packages_of(name)
    others = (each for each in images.available(images_dir) if each != name)
    return tuple(each for each in others if image_families.packages_of(each) == packages)


def find(asked: str, *, images_dir: Path) -> str:
    """Return the name of the image that somebody means: by its name, its URI, `repository:tag`, or its repository.

    Raises ImageError, which says what is like it.
    """
    known = images.available(images_dir)
    if asked in known:
        return asked
    if "/" in asked and ":" in asked:
        return images.name_of(asked, images_dir=images_dir)
    if match := _REFERENCE.fullmatch(asked):
        repository, tag = match.groups()
        for name in (image_families.find(repository, tag), f"{repository}-{tag}"):
            if name in known:
                return name
        like = image_families.nearest(repository, tag, known)
        raise ImageError(f"{asked} is not an image of the embedded AWS.{_perhaps([like] if like else [])}")
    of_it = [name for name in known if image_families.of(name)[0].repository == asked]
    if len(of_it) == 1:
        return of_it[0]
    raise ImageError(
        f"{asked} is {'a repository' if of_it else 'not an image of the embedded AWS'}."
        f"{_perhaps(of_it or get_close_matches(asked, known, n=3, cutoff=0.4))}"
    )


def remove(name: str, *, images_dir: Path, cache_dir: Path) -> Removal:
    """Remove what is installed of an image, also for older lists of it.

    Raises ImageError while a container of it runs.
    """
    found = [*_installations(images.list_of(name, images_dir).stem, cache_dir)]
    for folder in found:
        if user := _user(folder):
            raise ImageError(f"{name} is in use, by process {user}: end what runs in it first.")
    freed = sum(map(_size, found))
    for folder in found:
        with FileLock(f"{folder}.lock"):
            # Whoever looks for it meanwhile finds it whole, or not at all.
            (folder / images.COMPLETE).unlink(missing_ok=True)
            shutil.rmtree(folder)
    return Removal(name, freed, _sharing(name, images_dir))


def size_in_words(size: int) -> str:
    """Return a number of bytes as people read it: `1,234 MB`."""
    return f"{size / _MEGABYTE:,.0f} MB" if size else "-"


def _perhaps(names: Sequence[str]) -> str:
    if not names:
        return " `embedded-aws images` lists those that it has."
    return f" Do you mean {' or '.join(names)}?"


def _installations(packages: str, cache_dir: Path) -> Iterator[Path]:
    """Yield the folders in which a list is installed: one for each of its contents and Pythons."""
    for folder in (cache_dir / "images").glob(f"{packages}-*"):
        if folder.is_dir() and re.fullmatch(r"[0-9a-f]{16}", folder.name.removeprefix(f"{packages}-")):
            yield folder


def _user(folder: Path) -> int | None:
    """Return a process that has to do with a folder: a container's names its image's."""
    for process in psutil.process_iter():
        try:
            if any(str(folder) in word for word in (*process.cmdline(), *process.environ().values())):
                return int(process.pid)
        except psutil.Error:  # it has ended, or is somebody else's
            continue
    return None


def _size(folder: Path) -> int:
    """Return what a folder takes on the disk, in bytes; a file with several names counts once."""
    counted: set[tuple[int, int]] = set()
    size = 0
    for above, _, names in os.walk(folder):
        for name in names:
            about = os.lstat(os.path.join(above, name))  # noqa: PTH118 - of 40,000 files
            if (about.st_dev, about.st_ino) not in counted:
                counted.add((about.st_dev, about.st_ino))
                size += about.st_blocks * 512
    return size
