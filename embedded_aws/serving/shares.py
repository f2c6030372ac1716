"""Several processes listen on one socket, and each takes its share of the connections."""

from __future__ import annotations

import asyncio
import mmap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

_BYTES = 8  # of a count
_COURTESY_SECONDS = 0.005  # for a process that has fewer to take the next connection


class Shares:
    """How many connections each process has. To be made before they part: then each sees what the others write."""

    def __init__(self, processes: int) -> None:
        self._counts = memoryview(mmap.mmap(-1, processes * _BYTES)).cast("q")

    def of(self, number: int) -> Share:
        """One process's share, which it alone changes."""
        return Share(self._counts, number)


class Share:
    """How many connections a process has, beside what the others have."""

    def __init__(self, counts: memoryview[int], number: int) -> None:
        self._counts, self._number = counts, number

    def add(self, connections: int) -> None:
        """So many more, or fewer."""
        self._counts[self._number] += connections

    async def accept(self, listening: socket.socket) -> socket.socket:
        """Take the next connection that no process with fewer takes first. Raises OSError as the socket does."""
        while True:
            await _readable(listening)
            if self._counts[self._number] > min(self._counts):
                await asyncio.sleep(_COURTESY_SECONDS)
            try:
                return listening.accept()[0]
            except BlockingIOError:
                continue


async def _readable(connection: socket.socket) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)
