"""Gzipped tar archives: folders put into one, and one taken apart without trust in who made it.

Every archive that the gateway or a job's launcher opens is opened here: nothing lands outside of the folder, and
nothing is unpacked, or read into memory, beyond what an archive of its size can honestly hold.

Filters came to Python's tarfile with 3.11.4; before it, a backport of it has them.
"""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

if not hasattr(tarfile, "data_filter"):
    with suppress(ModuleNotFoundError):  # an image's own environment has no backport, and unpacks nothing here
        from backports import tarfile  # type: ignore[import-untyped, no-redef]

_MEMBERS = 100_000
# Zeros pack 1000 to 1, what models and programs consist of 20 to 1 at most; small archives may be odd.
_RATIO = 100
_SMALL_BYTES = 64 * 1024**2
_HEADER_BYTES = 1024**2  # of names and other properties, which tarfile reads in one piece


class ArchiveError(Exception):
    """An archive that can't be unpacked safely, or a manifest that can't be read; the message says why."""


def pack(folders: Iterable[Path], archive: Path) -> None:
    """Put what folders hold into one gzipped tar archive, with paths that start below them.

    Of files of one name the first folder's is taken: AWS says that hosts "should ensure no names clash", not what then.
    """
    packed: set[str] = set()
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                name = path.relative_to(folder).as_posix()
                if name not in packed:
                    tar.add(path, arcname=name, recursive=False)
                    packed.add(name)


def unpack(archive: Path, folder: Path) -> None:
    """Take a gzipped tar archive apart into a folder.

    Raises ArchiveError for what is no such archive, for members that would land outside the folder or are no plain
    files, folders or links within it, and for sizes that no honest archive has. What came before such a member is
    unpacked then.
    """
    with open_archive(archive) as members:
        for member in members:
            members.tar.extract(member, folder, filter="data")


def check(archive: Path) -> None:
    """Raise ArchiveError for an archive that is none, or that claims or holds too much."""
    with open_archive(archive) as members:
        for _ in members:
            pass


@contextmanager
def open_archive(archive: Path) -> Iterator[Members]:
    """Open an archive for its members to be read in turn. Raises ArchiveError, while it is read too."""
    room = shutil.disk_usage(archive.parent).free
    limit = min(room, max(_SMALL_BYTES, _RATIO * archive.stat().st_size))
    try:
        with gzip.open(archive) as content, tarfile.open(fileobj=_Limited(content, limit), mode="r:") as tar:
            yield Members(tar, limit)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise ArchiveError(str(error)) from error


class Members:
    """The members of an archive, one after another: none is too many, and what they claim is within the limit."""

    def __init__(self, tar: tarfile.TarFile, limit: int) -> None:
        self.tar, self._limit = tar, limit

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        claimed = 0
        for number, member in enumerate(self.tar):
            claimed += member.size  # of a sparse file as it would be on disk
            if number == _MEMBERS or claimed > self._limit:
                raise ArchiveError(
                    f"it claims to hold more than {_MEMBERS} files or {self._limit} bytes: too much for its size"
                )
            yield member


class _Limited(io.BufferedIOBase):
    """A gzip file as tarfile reads it, up to a limit in bytes of what is in it and of tarfile's own blocks."""

    def __init__(self, file: gzip.GzipFile, limit: int) -> None:
        self._file, self._limit = file, limit + _MEMBERS * 3 * tarfile.BLOCKSIZE

    def read(self, size: int | None = None) -> bytes:
        """Return the next bytes, as many or fewer; tarfile always says how many."""
        if size is None or size > _HEADER_BYTES:
            raise ArchiveError(f"it has a name or property of {size} bytes")
        self._check_limit(self._file.tell() + size)
        return self._file.read(size)

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        """Go there, which reads all that lies between; tarfile always counts from the beginning."""
        self._check_limit(position)
        return self._file.seek(position, whence)

    def tell(self) -> int:
        """Return how many bytes have been read."""
        return self._file.tell()

    def _check_limit(self, position: int) -> None:
        if position > self._limit:
            raise ArchiveError(f"it has more than {self._limit} bytes in it: too much for its size")
