"""The portal's answers to requests: documents, refusals and redirects."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

Response = tuple[int, dict[str, str], bytes]
HTML, JSON = "text/html; charset=utf-8", "application/json"


def document(content: Any) -> Response:
    """Answer a script with a document."""
    return HTTPStatus.OK, {"Content-Type": JSON}, json.dumps(content).encode()


def refusal(status: HTTPStatus, message: str) -> Response:
    """Answer a script with why not, in a sentence for people."""
    return status, {"Content-Type": JSON}, json.dumps({"message": message}).encode()


def redirect(location: str, with_cookie: str = "") -> Response:
    """Send a browser elsewhere."""
    return HTTPStatus.FOUND, {"Location": location, **({"Set-Cookie": with_cookie} if with_cookie else {})}, b""


def cookie(name: str, value: str, *, seconds: int | None = None) -> str:
    """Return a cookie of the portal's own, for as long as the browser runs, or for so many seconds."""
    age = "" if seconds is None else f"; Max-Age={seconds}"
    return f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}"
