"""Read and write RecordIO, the frames in which SageMaker's built-in algorithms take and give protobuf messages.

A frame is the magic number, the payload's length, the payload, and zeros up to a multiple of four bytes. The length's
three highest bits say which part of a payload it is that contained the magic number itself and was written without it.

Sources: `read_recordio` and `_write_recordio` of the SageMaker SDK 2.257 (sagemaker.serializer_utils); for payloads in
parts, dmlc/recordio.h, whose format it is.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = 0xCED7230A
_HEADER = struct.Struct("<II")
_LENGTH_BITS = 29
_WHOLE, _FIRST, _LAST = 0, 1, 3  # the parts in between are 2


class RecordIOError(ValueError):
    """The bytes are no RecordIO, and the message says where."""


def frame(payload: bytes) -> bytes:
    """Return one payload as a frame."""
    return _HEADER.pack(_MAGIC, len(payload)) + payload + bytes(-len(payload) % 4)


def payloads(content: bytes) -> Iterator[bytes]:
    """Yield the payloads of all frames, in their order. Raises RecordIOError."""
    parts: list[bytes] = []
    for kind, payload in _frames(content):
        if (kind in {_WHOLE, _FIRST}) == bool(parts):
            raise RecordIOError("a record that is in parts lacks one of them")
        parts.append(payload)
        if kind in {_WHOLE, _LAST}:
            yield struct.pack("<I", _MAGIC).join(parts)
            parts = []
    if parts:
        raise RecordIOError("the last record lacks its last part")


def split(content: bytes) -> list[bytes]:
    """Return the records with their frames around them, as a batch is made of them. Raises RecordIOError."""
    records, start = [b""], 0
    for kind, end in _ends(content):
        records[-1] += content[start:end]
        start = end
        if kind in {_WHOLE, _LAST}:
            records.append(b"")
    return [record for record in records if record]


def _frames(content: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    for kind, end in _ends(content):
        length = _HEADER.unpack_from(content, start)[1] & ((1 << _LENGTH_BITS) - 1)
        yield kind, content[start + _HEADER.size : start + _HEADER.size + length]
        start = end


def _ends(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield of each frame which part of a record it is, and where it ends."""
    start = 0
    while start < len(content):
        if len(content) - start < _HEADER.size:
            raise RecordIOError(f"{len(content) - start} bytes are left at byte {start}, too few for a record")
        magic, word = _HEADER.unpack_from(content, start)
        if magic != _MAGIC:
            raise RecordIOError(f"no record begins at byte {start}: the magic number is {magic:#010x}")
        kind, length = word >> _LENGTH_BITS, word & ((1 << _LENGTH_BITS) - 1)
        end = start + _HEADER.size + length + -length % 4
        if start + _HEADER.size + length > len(content):
            raise RecordIOError(f"the record at byte {start} ends after {len(content)} of {end} bytes")
        yield kind, end
        start = end
