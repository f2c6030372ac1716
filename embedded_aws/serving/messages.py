"""What comes in over HTTP and what goes out."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

_PHRASES = {int(status): status.phrase for status in HTTPStatus}


class HttpRequest(NamedTuple):
    """A whole request; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpResponse:
    """Status, content type and body of an answer."""

    status: int
    content_type: str
    body: bytes

    def message(self, *, keep_alive: bool) -> bytes:
        """The whole answer as HTTP/1.1 has it."""
        return (
            f"HTTP/1.1 {self.status:d} {_PHRASES.get(self.status, '')}\r\n"
            f"content-type: {self.content_type}\r\n"
            f"content-length: {len(self.body)}\r\n"
            f"{'' if keep_alive else 'connection: close' + chr(13) + chr(10)}\r\n"
        ).encode("latin-1", "replace") + self.body
