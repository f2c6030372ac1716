"""AWS services on the wire, with answers of the tests' own: what the embedded AWS has not got, or not in that state."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from cli.aws.session import Session, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Answer = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class Wire:
    """Answers of operations by name, in AWS's JSON 1.1; `refused` have a code instead, and all others fail."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    asked: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def session(self, region: str = "eu-west-1") -> Session:
        """A place in which every service is this one."""
        variables = {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        return Session(Target.AWS, variables, "123456789012", region)

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        self.asked[operation].append(request)
        if operation in self.refused:
            return 400, {"__type": self.refused[operation], "message": f"not {operation}"}
        found = self.answers.get(operation)
        if found is None:
            return 400, {"__type": "UnexpectedByTheTest", "message": operation}
        return 200, found(request) if callable(found) else found


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A server on a free port, and an empty cache for what is asked of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Wire(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("Bound", (Handler,), {"wire": found})
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Reads a request as awsJson has it, and writes the answer."""

    wire: Wire

    def do_POST(self) -> None:
        """Every operation is a POST; its name follows the last dot of X-Amz-Target."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, body = self.wire.answer(self.headers["X-Amz-Target"].rpartition(".")[2], request)
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
