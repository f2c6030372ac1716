"""The framing `aws-chunked`, in which clients send bodies whose checksum or signature is made on the way.

Source: S3's API reference, "Signature calculations: transferring payload in multiple chunks". Signatures of frames are
not compared, as ministack does not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE = re.compile(rb"[0-9A-Fa-f]+")
_END = b"\r\n"
_LONGEST_LINE = 64 * 1024


class FrameError(ValueError):
    """What came is not framed so."""


class Frames:
    """Takes a body out of its frames while it comes. `trailer` is what follows the last frame."""

    def __init__(self) -> None:
        self._rest = bytearray()  # what has come and is not yet understood
        self._left = -1  # bytes of the frame at hand; -1: its size is to come
        self._last = False

    @property
    def trailer(self) -> bytes:
        """What follows the last frame, once all has come. Raises FrameError if that has not come."""
        if not self._last:
            raise FrameError("the last frame is missing")
        return bytes(self._rest)

    def add(self, piece: bytes) -> Iterator[bytes]:
        """Take what has come; yield what there is of the body. Raises FrameError."""
        self._rest += piece
        while not self._last and self._rest:
            if self._left < 0:
                if not self._begin():
                    return
            elif self._left:
                found = bytes(self._rest[: self._left])
                del self._rest[: self._left]
                self._left -= len(found)
                yield found
            elif len(self._rest) < len(_END):
                return
            elif self._rest[: len(_END)] != _END:
                raise FrameError("a frame is longer than it says")
            else:
                del self._rest[: len(_END)]
                self._left = -1

    def _begin(self) -> bool:
        """Read the size of the next frame, if it has come."""
        end = self._rest.find(_END, 0, _LONGEST_LINE)
        if end < 0:
            if len(self._rest) >= _LONGEST_LINE:
                raise FrameError("a frame has no size")
            return False
        size = bytes(self._rest[:end]).partition(b";")[0].strip()
        del self._rest[: end + len(_END)]
        if not _SIZE.fullmatch(size):
            raise FrameError(f"{size!r} is not the size of a frame")
        self._left = int(size, 16)
        self._last = self._left == 0
        return True
