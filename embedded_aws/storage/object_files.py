"""Files of contents: written once, never changed, gone when nothing names them any more.

A file that no row of the database names yet is removed with the last thing in memory that knows of it; one that a row
names stays until the row is gone and nobody reads it any more. What a killed process has left is removed by `sweep`.
Small contents are in rows themselves (small_contents.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self
from weakref import WeakValueDictionary

from embedded_aws.storage.checksums import Hashes
from embedded_aws.storage.contents import PIECE_BYTES, Content, Holder, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import BinaryIO

RESERVE_BYTES = 8 * 1024**2
"""What stays free on the disk for the database, so that deleting objects makes room again."""
_SOON_GONE_BYTES = 1024**2
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class ObjectFiles:
    """The folder of all contents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._found: WeakValueDictionary[str, ObjectFile] = WeakValueDictionary()
        self._remover = ThreadPoolExecutor(1, thread_name_prefix="objects")

    def write(self, content: bytes) -> Content:
        """Write a content in one go. Raises OSError."""
        if not content:
            return Content(())
        with Writer(self) as writer:
            writer.write(content)
            return writer.content()

    def find(self, name: str) -> ObjectFile:
        """Return the file of that name; it may be gone."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = ObjectFile(self, name)
        return found

    def make(self) -> ObjectFile:
        """Return a new file, which is to be written. Raises OSError if the disk is full."""
        self.check_space()
        made = self.find(secrets.token_hex(16))
        made.unwanted = True
        return made

    def check_space(self) -> None:
        """Raise OSError if less than the reserve is free on the disk."""
        free = os.statvfs(self.folder)
        if free.f_bavail * free.f_frsize < RESERVE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))

    def sweep(self) -> None:
        """Remove every file that nothing has asked for."""
        for each in os.scandir(self.folder):
            if each.name not in self._found:
                _unlink(each.path)

    def sizes(self) -> dict[str | int, int]:
        """Return the sizes of all files, by name."""
        return {each.name: each.stat().st_size for each in os.scandir(self.folder)}

    def remove(self, path: str, size: int) -> None:
        """Remove a file, on a thread if it is a large one: that takes a while."""
        if size <= _SOON_GONE_BYTES:
            _unlink(path)
            return
        with contextlib.suppress(RuntimeError):  # the process ends: the next one sweeps
            self._remover.submit(_unlink, path)


class ObjectFile(Holder):
    """A file. After the last row that names it, it goes with its last reader."""

    __slots__ = ("_files", "unwanted")

    def __init__(self, files: ObjectFiles, name: str) -> None:
        super().__init__(name)
        self._files = files
        self.unwanted = False

    @property
    def path(self) -> str:
        """Where it lies."""
        return f"{self._files.folder}/{self.name}"

    def open(self) -> BinaryIO:
        """Return it, open to be read. Raises OSError."""
        return open(self.path, "rb", buffering=0)  # noqa: PTH123 - a Path takes as long as to open it

    def use(self) -> None:
        """Count one more row."""
        super().use()
        self.unwanted = False

    def drop(self) -> None:
        """Count one row less."""
        super().drop()
        self.unwanted = self.uses == 0

    def __del__(self) -> None:
        if self.unwanted:
            self._files.remove(self.path, self.size)


class Writer:
    """Writes one content, piece by piece, and hashes it meanwhile; what fails leaves nothing."""

    def __init__(self, files: ObjectFiles, algorithms: Iterable[str] = ()) -> None:
        self._files = files
        self._file = files.make()
        self._hashes = Hashes(algorithms)
        self.size = 0
        self._next_look = PIECE_BYTES
        self._open = os.open(self._file.path, _NEW, 0o666)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        os.close(self._open)
        if failed:
            self._file.unwanted = False
            self._files.remove(self._file.path, self.size)

    def write(self, piece: bytes) -> None:
        """Write more. Raises OSError."""
        view = memoryview(piece)
        while view:
            view = view[os.write(self._open, view) :]
        self._hashes.update(piece)
        self.size += len(piece)
        if self.size > self._next_look:
            self._files.check_space()
            self._next_look = self.size + PIECE_BYTES

    def content(self) -> Content:
        """Return what was written."""
        self._file.size = self.size
        return Content((Piece(self._file, 0, self.size),) if self.size else (), self._hashes)


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108 - see above
