"""Callers of an endpoint's host, each on a connection of its own, each asking anew as soon as it has its answer.

    python -S callers.py PORT REQUEST CALLERS START SECONDS ANSWERS

REQUEST is a file with one whole HTTP request. They begin at once, count what is answered in the SECONDS from START
(seconds since the epoch) on, and write one double a counted answer, how many seconds it took, to the file ANSWERS.
Prints how many answers were not 200 and whole. One thread: it waits for all connections together.
"""

import re
import select
import socket
import sys
import time
from array import array
from pathlib import Path

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
LAST = re.compile(rb"\r\nconnection: close\r\n", re.IGNORECASE)
ROOM = 1 << 20  # bytes, for a request that is sent while the host is busy


class Caller:
    """One connection and what is under way on it."""

    def __init__(self, port: int, request: bytes) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request, self._answer = request, b""

    def ask(self) -> None:
        """Send the request."""
        self.asked = time.time()
        self.connection.sendall(self._request)

    def answered(self) -> bytes:
        """Return the answer if it is whole by now, else nothing. Raises ConnectionError where the host has hung up."""
        received = self.connection.recv(1 << 16)
        if not received:
            raise ConnectionError("the host has hung up")
        self._answer += received
        head, end, body = self._answer.partition(b"\r\n\r\n")
        found = LENGTH.search(head + b"\r\n")
        if not end or found is None or len(body) < int(found[1]):
            return b""
        answer, self._answer = self._answer, b""
        return answer


def main(*arguments: str) -> None:
    """Ask until the time is over."""
    port, request, callers, start, seconds, answers = arguments
    begin, end = float(start), float(start) + float(seconds)
    content = Path(request).read_bytes()
    waiting = select.epoll() if hasattr(select, "epoll") else select.poll()
    by_descriptor = {}

    def come() -> None:
        caller = Caller(int(port), content)
        by_descriptor[caller.connection.fileno()] = caller
        waiting.register(caller.connection.fileno(), select.POLLIN)
        caller.ask()

    for _ in range(int(callers)):
        come()
    taken, failed, now = array("d"), 0, 0.0
    while now < end:
        for descriptor, _ in waiting.poll():
            caller = by_descriptor[descriptor]
            answer = caller.answered()
            if not answer:
                continue
            now = time.time()
            if begin <= now < end:
                taken.append(now - caller.asked)
                failed += not answer.startswith(b"HTTP/1.1 200 ")
            if LAST.search(answer):
                waiting.unregister(descriptor)
                caller.connection.close()
                come()
            else:
                caller.ask()
    Path(answers).write_bytes(taken.tobytes())
    print(failed)


if __name__ == "__main__":
    main(*sys.argv[1:])
