"""What a PNG or JPEG file says beside its pixels. A fault there does not make the picture broken: browsers show it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_START_OF_SCAN = 0xDA
_SEGMENTS = range(0xC0, 0xFF)  # of a JPEG file; each has a length behind its marker
_TELLING = (*range(0xE0, 0xF0), 0xFE)  # APP0 to APP15 and the comment
# What changes how the pixels look goes last: transparency, orientation (EXIF), Adobe's note of how colours are meant.
_KEPT: tuple[Container[bytes | int], ...] = (
    (b"tRNS", b"eXIf", 0xE1, 0xEE),
    (b"tRNS", 0xE1),
    (b"tRNS", 0xEE),
    (),
)


def with_less_and_less(content: bytes) -> Iterator[bytes]:
    """Return the file, then the file with less and less of what is not its pixels."""
    yield content
    strip = {_PNG: _strip_png, _JPEG: _strip_jpeg}
    for beginning, stripped in strip.items():
        if content.startswith(beginning):
            sizes = {len(content)}  # nothing is tried twice
            for less in (stripped(content, kept) for kept in _KEPT):
                if len(less) not in sizes:
                    yield less
                sizes.add(len(less))


def _strip_png(content: bytes, kept: Container[bytes | int]) -> bytes:
    parts, at = [_PNG], len(_PNG)
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + 12 + length  # length, name, the chunk itself, check sum
        name = content[at + 4 : at + 8]
        if name in _CRITICAL or name in kept:
            parts.append(content[at:end])
        at = end
    return b"".join(parts)


def _strip_jpeg(content: bytes, kept: Container[bytes | int]) -> bytes:
    parts, at = [_JPEG], len(_JPEG)
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] in _SEGMENTS:  # noqa: PLR2004 - begins a marker
        marker = content[at + 1]
        if marker == _START_OF_SCAN:
            break
        (length,) = struct.unpack_from(">H", content, at + 2)
        end = at + 2 + length
        if marker not in _TELLING or marker in kept:
            parts.append(content[at:end])
        at = end
    return b"".join([*parts, content[at:]])
