"""Two connections of asyncio's that talk to each other through this process."""

from __future__ import annotations

import asyncio

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_CHUNK_BYTES = 256 * 1024


async def relay(one: Streams, other: Streams) -> None:
    """Pass on what each says until both have said all; close the second."""
    try:
        await asyncio.gather(_copy(one[0], other[1]), _copy(other[0], one[1]))
    finally:
        other[1].close()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bring a connection that was taken at any address to the same port of this machine's loopback address."""
    _, port = writer.get_extra_info("sockname")
    try:
        await relay((reader, writer), await asyncio.open_connection("127.0.0.1", port))
    except OSError:
        pass  # nobody listens there, or one of the two has gone
    finally:
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()  # the other direction ends with it
