"""Contents of objects in files of their own: written once, never changed, gone when nothing names them any more.

A content is one piece of a file, or several of several files: what is uploaded in parts is joined, and what is copied
is shared, without a byte being moved. A file that no row of the database names yet is removed with the last thing in
memory that knows of it; one that a row names stays until the row is gone and nobody reads it any more. What a killed
process has left is removed by `sweep`. Small contents are in rows themselves (small_contents.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

from embedded_aws.checksums import Hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

RESERVE_BYTES = 8 * 1024**2
"""What stays free on the disk for the database, so that deleting objects makes room again."""
PIECE_BYTES = 1024**2
_SOON_GONE_BYTES = 1024**2


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
                with contextlib.suppress(OSError):
                    Path(each.path).unlink()

    def sizes(self) -> dict[str | int, int]:
        """Return the sizes of all files, by name."""
        return {each.name: each.stat().st_size for each in os.scandir(self.folder)}

    def remove(self, path: Path, size: int) -> None:
        """Remove a file, on a thread if it is a large one: that takes a while."""
        if size <= _SOON_GONE_BYTES:
            _unlink(path)
            return
        with contextlib.suppress(RuntimeError):  # the process ends: the next one sweeps
            self._remover.submit(_unlink, path)


class Holder:
    """What holds bytes of contents: a file, or a row. `uses` counts the rows that name it."""

    __slots__ = ("__weakref__", "name", "size", "uses")

    def __init__(self, name: str | int) -> None:
        self.name = name
        self.size = 0
        self.uses = 0

    def open(self) -> BinaryIO:
        """Return it, open to be read. Raises OSError."""
        raise NotImplementedError

    def use(self) -> None:
        """Count one more row."""
        self.uses += 1

    def drop(self) -> None:
        """Count one row less."""
        self.uses -= 1


class ObjectFile(Holder):
    """A file. After the last row that names it, it goes with its last reader."""

    __slots__ = ("_files", "unwanted")

    def __init__(self, files: ObjectFiles, name: str) -> None:
        super().__init__(name)
        self._files = files
        self.unwanted = False

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._files.folder / str(self.name)

    def open(self) -> BinaryIO:
        """Return it, open to be read. Raises OSError."""
        return self.path.open("rb", buffering=0)

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


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of what holds bytes."""

    holder: Holder
    begin: int
    size: int


class Content:
    """What an object, a version or a part holds; a slice of it is one, too."""

    __slots__ = ("hashes", "pieces", "size")

    def __init__(self, pieces: tuple[Piece, ...], hashes: Hashes | None = None) -> None:
        self.pieces = pieces
        self.size = sum(piece.size for piece in pieces)
        self.hashes = hashes or Hashes()

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: slice) -> Content:
        begin, end, _ = part.indices(self.size)
        pieces = []
        for piece in self.pieces:
            first, last = max(begin, 0), min(end, piece.size)
            if first < last:
                pieces.append(Piece(piece.holder, piece.begin + first, last - first))
            begin, end = begin - piece.size, end - piece.size
        return Content(tuple(pieces))

    def __deepcopy__(self, _memo: object) -> Content:
        return self

    def chunks(self) -> Iterator[bytes]:
        """Yield it in pieces of a megabyte. Raises OSError, also if a file is too short."""
        for piece in self.pieces:
            with piece.holder.open() as file:
                file.seek(piece.begin)
                left = piece.size
                while left:
                    chunk = file.read(min(left, PIECE_BYTES))
                    if not chunk:
                        raise OSError(errno.EIO, "the file is shorter than what was stored", str(piece.holder.name))
                    left -= len(chunk)
                    yield chunk

    def read(self) -> Loaded:
        """Return it whole. Raises OSError."""
        chunks = list(self.chunks())
        loaded = Loaded(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        loaded.content = self
        return loaded

    def hash(self, algorithms: Iterable[str]) -> None:
        """Make the hashes that are not made yet. Raises OSError."""
        self.hashes.add_from(self.chunks, algorithms)

    def holders(self) -> list[Holder]:
        """Return what holds it, one a piece."""
        return [piece.holder for piece in self.pieces]

    def described(self) -> list[list[Any]]:
        """Return name, begin and size of each piece, for a row."""
        return [[piece.holder.name, piece.begin, piece.size] for piece in self.pieces]


class Loaded(bytes):
    """A content that was read, and is still known by what it was read from."""

    content: Content


def joined(contents: Iterable[Content]) -> Content:
    """Return contents one after the other as one."""
    return Content(tuple(piece for content in contents for piece in content.pieces))


class Writer:
    """Writes one content, piece by piece, and hashes it meanwhile; what fails leaves nothing."""

    def __init__(self, files: ObjectFiles, algorithms: Iterable[str] = ()) -> None:
        self._files = files
        self._file = files.make()
        self._hashes = Hashes(algorithms)
        self.size = 0
        self._next_look = PIECE_BYTES
        self._open = self._file.path.open("xb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        self._open.close()
        if failed:
            self._file.unwanted = False
            self._files.remove(self._file.path, self.size)

    def write(self, piece: bytes) -> None:
        """Write more. Raises OSError."""
        view = memoryview(piece)
        while view:
            view = view[self._open.write(view) :]
        self._hashes.update(piece)
        self.size += len(piece)
        if self.size > self._next_look:
            self._files.check_space()
            self._next_look = self.size + PIECE_BYTES

    def content(self) -> Content:
        """Return what was written."""
        self._file.size = self.size
        return Content((Piece(self._file, 0, self.size),) if self.size else (), self._hashes)


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
