"""HTTPS requests to AWS's names that boto3 does not make: of a session's target, which may be the embedded AWS."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.aws.session import Session

_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """An answer, whatever its status."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes


class HttpClient:
    """Sends requests as any program does whose environment is the session's: by its proxy, trusting what it trusts."""

    def __init__(self, session: Session) -> None:
        variables = session.variables
        proxy = {"https": variables["HTTPS_PROXY"]} if "HTTPS_PROXY" in variables else None
        context = ssl.create_default_context(cafile=variables.get("AWS_CA_BUNDLE"))
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxy), urllib.request.HTTPSHandler(context=context), _NoRedirect()
        )

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Return the answer. Raises OSError if there is none."""
        request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310 - https, of a stack's outputs
        try:
            with self._opener.open(request, timeout=_SECONDS) as answered:
                return Answer(answered.status, answered.headers.items(), answered.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers.items(), error.read())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Hand a redirect on, as an answer like any other."""

    def redirect_request(self, *_arguments: object) -> None:
        """Follow none."""
