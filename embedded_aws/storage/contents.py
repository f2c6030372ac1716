"""Contents of objects: pieces of what holds bytes, one after the other.

What is uploaded in parts is joined, and what is copied is shared, without a byte being moved. A content never changes.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.storage.checksums import Hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

PIECE_BYTES = 1024**2


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
