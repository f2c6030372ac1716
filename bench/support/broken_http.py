"""Broken HTTP for a port: half a request, garbage, headers beyond reason. Right is a refusal, or no more connection."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

ANSWER_SECONDS = 30.0
_HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_OK_BELOW = 500
_NOT_IMPLEMENTED, _VERSION = 501, 505  # RFC 9110's words for a method or a version that a server has not


def requests() -> dict[str, bytes]:
    """Return what is sent, by name; after it nothing comes."""
    return {
        "half a line": b"GET /st",
        "half a head": _HEAD + b"Content-Type: applic",
        "half a body": _HEAD + b"Content-Length: 1000\r\n\r\nhalf",
        "garbage": os.urandom(512),
        "TLS to a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(200),
        "empty lines": b"\r\n" * 50,
        "no version": b"GET /\r\n\r\n",
        "version 9": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        "a method of its own": b"BUILD / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "an oversized header": _HEAD + b"X-Long: " + b"a" * 200_000 + b"\r\nConnection: close\r\n\r\n",
        "an oversized line": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "many headers": _HEAD + b"".join(b"X-%d: 1\r\n" % n for n in range(5000)) + b"Connection: close\r\n\r\n",
        "a header without a colon": _HEAD + b"nothing\r\nConnection: close\r\n\r\n",
        "a negative length": _HEAD + b"Content-Length: -5\r\nConnection: close\r\n\r\n",
        "two lengths": _HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
        "a length that is none": _HEAD + b"Content-Length: many\r\nConnection: close\r\n\r\n",
        "a broken chunk": _HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nno\r\n0\r\n\r\n",
        "half a chunk": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\nhalf",
        "a path that is none": b"GET %zz%00\\..\\.. HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "a Host that is none": b"GET / HTTP/1.1\r\nHost: \xff:::9\r\nConnection: close\r\n\r\n",
        "CONNECT to nothing": b"CONNECT :0 HTTP/1.1\r\n\r\n",
        "an upgrade": _HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: no\r\n\r\n",
    }


_REQUESTS = requests()


def send(choice: random.Random, port: int) -> tuple[str, str]:
    """Send one of them to a port of this machine; return the answer in a word, and what is wrong with it."""
    name = choice.choice(list(_REQUESTS))
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
            try:
                connection.sendall(_REQUESTS[name])
                connection.shutdown(socket.SHUT_WR)
                first = connection.recv(64)
            except (ConnectionResetError, BrokenPipeError, OSError) as error:
                if isinstance(error, TimeoutError):
                    raise
                return "connection ended", ""
    except TimeoutError:
        return "no answer", f"no answer to {name}"
    except OSError as error:
        return "no connection", f"no connection for {name}: {error}"
    words = first.split()
    if not first:
        return "connection ended", ""
    if not first.startswith(b"HTTP/") or len(words) == 1 or not words[1].isdigit():
        return "no HTTP", ""  # such as a TLS alert
    status = int(words[1])
    is_ours = status >= _OK_BELOW and status not in (_NOT_IMPLEMENTED, _VERSION)
    return str(status), f"{name} is answered {first[:60]!r}" if is_ours else ""
