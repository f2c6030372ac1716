"""`./lab web`: open the lab's web page: CloudFront's own, or on this machine what the embedded AWS's answers.

A browser finds no distribution of the embedded AWS by its name, which leads to the real CloudFront.
"""

from __future__ import annotations

import json
import signal
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from cli import settings
from cli.aws import stacks
from cli.aws.http_client import HttpClient
from cli.aws.rest_api import RestApi
from cli.aws.session import Target, connect
from cli.ui import screen
from cli.ui.errors import LabError
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Sequence

# Of a request, what the page sends that matters; of an answer, what is between two machines and no others.
_PASSED_ON = ("accept", "accept-encoding", "content-type", "if-modified-since", "if-none-match", "range", "x-api-key")
_HOP_BY_HOP = frozenset(
    {"alt-svc", "connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
)
_LARGEST = 20_000_000  # bytes of a request; API Gateway takes ten million
_POLL_SECONDS = 0.2


def web(target: Target, context: Sequence[str], *, browser: bool, as_json: bool) -> None:
    """Show where the page is, with the REST API's key behind a # that no server is sent, and open it."""
    lab = settings.read(context).name
    session = connect(target)
    outputs = stacks.outputs(session, lab)
    if "WebUrl" not in outputs:
        raise LabError("The lab has no web page: `./lab up -c lab.serve_also=web,rest` makes one, with a REST API.")
    key = f"#key={RestApi(session, outputs).key}" if "RestUrl" in outputs else ""
    if session.target is Target.AWS:
        _show(f"{outputs['WebUrl']}{key}", browser=browser, as_json=as_json, remark="")
        return
    with _Relay(HttpClient(session), outputs["WebUrl"].rstrip("/")) as relay:
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": _POLL_SECONDS}, daemon=True).start()
        _show(f"{relay.url}/{key}", browser=browser, as_json=as_json, remark="   Ctrl-C ends it")
        ended.wait()
        relay.shutdown()


def _show(url: str, *, browser: bool, as_json: bool, remark: str) -> None:
    if as_json:
        print(json.dumps({"url": url}, indent=2), flush=True)
    else:
        screen.open_page(url, browser=browser, remark=remark)


class _Relay(ThreadingHTTPServer):
    """Answers on the loopback address what the distribution answers."""

    daemon_threads = True

    def __init__(self, client: HttpClient, distribution: str) -> None:
        super().__init__((gateway.HOST, 0), _Handler)
        self.client, self.distribution = client, distribution
        self.url = f"http://{gateway.HOST}:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Relay

    def _answer(self) -> None:
        # A page of another name that leads to this address gets nothing.
        if self.headers.get("Host") != self.server.url.removeprefix("http://"):
            self._send(HTTPStatus.MISDIRECTED_REQUEST, [], b"")
            return
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST:
            self.close_connection = True
            self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, [], b"")
            return
        body = self.rfile.read(length) if length else None
        sent = {name: value for name, value in self.headers.items() if name.lower() in _PASSED_ON}
        try:
            answer = self.server.client.send(
                self.command, f"{self.server.distribution}{self.path}", headers=sent, body=body
            )
        except OSError as error:
            self._send(HTTPStatus.BAD_GATEWAY, [("Content-Type", "text/plain")], str(error).encode())
            return
        kept = [(name, value) for name, value in answer.headers if name.lower() not in _HOP_BY_HOP]
        self._send(answer.status, kept, answer.content)

    do_GET = do_HEAD = do_POST = do_OPTIONS = _answer  # noqa: N815 the standard library's names

    def _send(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the browser's own tools show each request."""
