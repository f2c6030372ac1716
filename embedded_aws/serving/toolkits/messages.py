"""What the model server and its workers say to each other over a socket: each message a head in JSON, and a body."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    import io

_SIZES = struct.Struct("!IQ")  # of the head and of the body, in bytes


def pack(head: object, body: bytes = b"") -> bytes:
    """Return a message as it is sent."""
    document = json.dumps(head).encode()
    return _SIZES.pack(len(document), len(body)) + document + body


async def read(reader: asyncio.StreamReader) -> tuple[Any, bytes]:
    """Return the next message's head and body. Raises asyncio.IncompleteReadError if the other side has ended."""
    head, body = _SIZES.unpack(await reader.readexactly(_SIZES.size))
    return json.loads(await reader.readexactly(head)), await reader.readexactly(body)


def receive(stream: io.BufferedRWPair) -> tuple[Any, bytes] | None:
    """Wait for the next message; return its head and body, None if the other side has ended."""
    sizes = stream.read(_SIZES.size)
    if len(sizes) < _SIZES.size:
        return None
    head, body = _SIZES.unpack(sizes)
    return json.loads(stream.read(head)), stream.read(body)
