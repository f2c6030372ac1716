"""Who may use a page that is served on this machine: whoever has the link that was shown, from a page of its own.

The link's token is good once, for a cookie. Another site's page can't send it (SameSite=Strict), can't ask under
another name (the Host header), and can't press a button (Origin, and a token that only our pages hold); ours load
nothing from elsewhere (Content-Security-Policy). Behind a proxy, such as Jupyter's, the page answers under the name by
which its first visitor came. Cookies know no ports (RFC 6265, section 8.5): a browser shows them to
every server of this machine, a student's Jupyter among them. Hence the path that nobody can guess, under which alone
the cookie is sent: every page lies below it.
"""

from __future__ import annotations

import json
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
_COOKIE = "bricklab-page"
_HERE = "./"  # as browsers take it from the link; some proxies put their path before a location that begins with /
_MOST_BYTES = 10_000  # of a form or a document
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # without any a browser sends our own forms with the origin `null`
    "X-Content-Type-Options": "nosniff",
}
_NO_LINK = "This page opens with the link that {0} showed, once, in one browser. Run {0} again.\n"
_FOREIGN = "The request does not come from a page of this server: reload the page and try again.\n"
_WRONG_HOST = "The page answers under its own address only, the one that {0} showed.\n"


class Access:
    """The secrets of one run of what serves the page.

    `opener` is who shows the link, in words; `proxy` the path under which a proxy shows this port, "" without one.
    """

    def __init__(self, port: int, opener: str, *, proxy: str = "") -> None:
        self.port = port
        self._no_link, self._wrong_host = _NO_LINK.format(opener), _WRONG_HOST.format(opener)
        self._proxied = bool(proxy)
        self._hosts = set() if proxy else {f"{HOST}:{port}", f"localhost:{port}"}
        self._token: str | None = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)
        self.form_token = secrets.token_urlsafe(32)
        self.place = f"/{secrets.token_urlsafe(16)}/"
        """Where the page lies on its server."""
        self.home = f"{proxy.rstrip('/')}{self.place}"
        """Where browsers find it."""

    @property
    def link(self) -> str:
        """Return the address that lets its first visitor in: a path, if it is the proxy's."""
        return f"{'' if self._proxied else f'http://{HOST}:{self.port}'}{self.home}?token={self._token}"

    def guard(self, app: ASGIApp) -> ASGIApp:
        """Wrap the application: what may not be is answered here."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            answer = self._refuse(Request(scope)) or app

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers = MutableHeaders(scope=message)
                    for name, value in _HEADERS.items():
                        headers[name] = value
                    headers.setdefault("Cache-Control", "no-store")
                await send(message)

            await answer(scope, receive, send_with_headers)

        return guarded

    def _refuse(self, request: Request) -> ASGIApp | None:
        """Return the answer to a request that does not reach the application; None for one that does."""
        if self._hosts and request.headers.get("host") not in self._hosts:
            return PlainTextResponse(self._wrong_host, HTTPStatus.MISDIRECTED_REQUEST)
        path = request.url.path
        if path == self.place and "token" in request.query_params and request.method == "GET":
            return self._exchange(request)
        if path.startswith(f"{self.place}static/"):
            return None
        if not path.startswith(self.place) or not self._holds_cookie(request):
            return PlainTextResponse(self._no_link, HTTPStatus.FORBIDDEN)
        scheme, _, host = request.headers.get("origin", "").partition("://")
        ours = scheme in {"http", "https"} if self._proxied else scheme == "http"  # a proxy may have a certificate
        if request.method not in {"GET", "HEAD"} and not (ours and host in self._hosts):
            return PlainTextResponse(_FOREIGN, HTTPStatus.FORBIDDEN)
        return None

    def _exchange(self, request: Request) -> ASGIApp:
        """Take the token for the cookie; a token that is used up opens nothing any more."""
        given = request.query_params["token"].encode()
        if self._token is None or not secrets.compare_digest(given, self._token.encode()):
            # Who has the cookie already has gone back, or opened the link once more.
            return (
                RedirectResponse(_HERE, HTTPStatus.SEE_OTHER)
                if self._holds_cookie(request)
                else PlainTextResponse(self._no_link, HTTPStatus.FORBIDDEN)
            )
        self._token = None
        self._hosts |= {request.headers.get("host", "")}
        answer = RedirectResponse(_HERE, HTTPStatus.SEE_OTHER)
        answer.set_cookie(_COOKIE, self._session, httponly=True, samesite="strict", path=self.home)
        return answer

    def _holds_cookie(self, request: Request) -> bool:
        return secrets.compare_digest(request.cookies.get(_COOKIE, "").encode(), self._session.encode())

    async def form(self, request: Request) -> dict[str, str] | None:
        """Return the fields of a form that one of our pages has sent; None for any other."""
        body = await _body(request)
        if body is None:
            return None
        fields = {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}
        return fields if self._is_ours(fields.pop("form_token", "")) else None

    async def json(self, request: Request) -> Any:
        """Return the document that a script of one of our pages has sent; None for any other."""
        body = await _body(request)
        if body is None or not self._is_ours(request.headers.get("x-form-token", "")):
            return None
        try:
            return json.loads(body)
        except ValueError:
            return None

    def _is_ours(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self.form_token.encode())


async def _body(request: Request) -> bytes | None:
    """Return what was sent; None if it is more than any page of ours sends."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return None
    return body


def foreign() -> PlainTextResponse:
    """Return the answer to a form that is none of ours."""
    return PlainTextResponse(_FOREIGN, HTTPStatus.FORBIDDEN)
