"""The token of who started an embedded AWS, for paths that AWS has not got: `/_embedded_aws/`, and ministack's own.

Those carry no credentials, and can end or change all that there is (`POST /_ministack/reset`) or show it
(`GET /_ministack/sqs/messages`). Jobs share the machine's loopback address, and web pages can send requests to it: so
such a request is answered only if it brings the token, which is made at each start and lies in a file that no sandbox
has. Open without it are whether the embedded AWS is well, and what has a secret of its own: the URLs that
CloudFormation and EKS give out once, and links to the code of functions and layers, "valid for 10 minutes" (Lambda's
API reference, GetFunction), which are signed here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from pathlib import Path

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HEADER = "X-Embedded-AWS-Token"
_GUARDED = ("/_embedded_aws/", "/_ministack/", "/_localstack/")
_OPEN = {
    (method, path)
    for method in ("GET", "HEAD")
    for path in ("/_ministack/health", "/_localstack/health", "/_ministack/ready")
}
_WITH_A_SECRET = (
    ("PUT", "/_ministack/cfn-response/"),
    ("PUT", "/_ministack/cfn-signal/"),
    ("POST", "/_ministack/eks-auth/"),
    ("POST", "/_ministack/rds/iam-auth"),
)
_SIGNED = ("/_ministack/lambda-code/", "/_ministack/lambda-layers/")
_LINK_SECONDS = 600
_EXPIRES, _SIGNATURE = "X-Embedded-AWS-Expires", "X-Amz-Signature"


class AdminToken:
    """A new token, written to a file that only this user may read."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._value = secrets.token_urlsafe(32).encode()
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(self._value)

    def is_it(self, given: bytes) -> bool:
        """Tell whether that is the token."""
        return hmac.compare_digest(given, self._value)

    def sign(self, path: str) -> str:
        """Return a path that whoever has it may GET for ten minutes."""
        expires = str(int(time.time()) + _LINK_SECONDS)
        return f"{path}?{urlencode({_EXPIRES: expires, _SIGNATURE: self._signature(path, expires)})}"

    def has_signed(self, path: str, query: str) -> bool:
        """Tell whether a path comes from `sign`, and has not expired."""
        values = parse_qs(query)
        [expires], [signature] = values.get(_EXPIRES, ["0"])[:1], values.get(_SIGNATURE, [""])[:1]
        right = hmac.compare_digest(signature.encode(), self._signature(path, expires).encode())
        return right and int(expires) > time.time()

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._value, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


class Guard:
    """An ASGI application before another one: it refuses what only the owner may ask to all who are not."""

    def __init__(self, application: Any, token: AdminToken) -> None:
        self._application, self._token = application, token

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request; no service sees the token."""
        if scope["type"] == "http":
            name = HEADER.lower().encode()
            if scope["path"].startswith(_GUARDED) and not self._may(scope, dict(scope["headers"]).get(name, b"")):
                await self._refuse(send)
                return
            scope = {**scope, "headers": [header for header in scope["headers"] if header[0] != name]}
        await self._application(scope, receive, send)

    def _may(self, scope: MutableMapping[str, Any], given: bytes) -> bool:
        method, path, query = scope["method"], scope["path"], scope["query_string"].decode("latin-1")
        return (
            (method, path) in _OPEN
            or any(method == one and path.startswith(start) for one, start in _WITH_A_SECRET)
            or (method == "GET" and path.startswith(_SIGNED) and self._token.has_signed(path, query))
            or self._token.is_it(given)
        )

    async def _refuse(self, send: Send) -> None:
        message = (
            f"Only who started the embedded AWS may ask for this: the header {HEADER} must bring what stands in "
            f"{self._token.file}, which programs in a sandbox can't read."
        )
        body = json.dumps({"__type": "AccessDeniedException", "message": message}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": HTTPStatus.FORBIDDEN.value, "headers": headers})
        await send({"type": "http.response.body", "body": body})
