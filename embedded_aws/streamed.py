"""An answer that is sent while it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class StreamedBody(bytes):
    """No bytes, for all that look at an answer's body before it is sent; what is sent are the `pieces`."""

    pieces: AsyncIterator[bytes]

    @classmethod
    def of(cls, pieces: AsyncIterator[bytes]) -> StreamedBody:
        """Return a body of these pieces."""
        made = cls()
        made.pieces = pieces
        return made
