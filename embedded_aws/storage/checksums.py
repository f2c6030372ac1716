"""Hashes of contents as S3 has them: MD5, and the checksums that a client may ask for; made piece by piece."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING, Any, Protocol

import anycrc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MD5 = "MD5"
_CRC64NVME, _CRC32C = (anycrc.Model(name) for name in ("CRC64-NVME", "CRC32-ISCSI"))


class _Hash(Protocol):
    def update(self, piece: Any, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc:
    """A cyclic redundancy check as hashlib has its hashes."""

    def __init__(self, add: Callable[[Any, int], int], size: int) -> None:
        self._add = add
        self._size = size
        self._value = 0

    def update(self, piece: Any) -> None:
        self._value = self._add(piece, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size)


def crc64nvme(piece: Any, value: int = 0) -> int:
    """Return the checksum that the AWS CLI 2 sends with every upload, going on from `value`."""
    return int(_CRC64NVME.calc(piece, value))


def crc32c(piece: Any, value: int = 0) -> int:
    """Return the checksum CRC32C, going on from `value`."""
    return int(_CRC32C.calc(piece, value))


_MAKERS: dict[str, Callable[[], _Hash]] = {
    MD5: lambda: hashlib.md5(usedforsecurity=False),
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
    "CRC32": lambda: _Crc(zlib.crc32, 4),
    "CRC32C": lambda: _Crc(crc32c, 4),
    "CRC64NVME": lambda: _Crc(crc64nvme, 8),
}


class Hashes:
    """The hashes of one content, by algorithm; algorithms that are not known are left out."""

    __slots__ = ("_made",)

    def __init__(self, algorithms: Iterable[str] = ()) -> None:
        self._made = {each: _MAKERS[each]() for each in algorithms if each in _MAKERS}

    def update(self, piece: bytes) -> None:
        """Go on with the next piece."""
        for each in self._made.values():
            each.update(piece)

    def add_from(self, pieces: Callable[[], Iterable[bytes]], algorithms: Iterable[str]) -> None:
        """Make those that are not made yet, from the content from its beginning."""
        further = Hashes(set(algorithms) - self._made.keys())
        if further._made:
            for piece in pieces():
                further.update(piece)
            self._made |= further._made

    def digest(self, algorithm: str) -> bytes | None:
        """Return one that was made, if the algorithm is known."""
        found = self._made.get(algorithm)
        return found.digest() if found else None

    def encoded(self, algorithm: str) -> str | None:
        """Return the same as S3's headers have it."""
        digest = self.digest(algorithm)
        return base64.b64encode(digest).decode() if digest is not None else None
