"""What a function tells CloudFormation gets there, though S3, where it goes, puts it off."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.handlers import custom_resource


@pytest.mark.parametrize("fault", ["put off", "hung up"])
def test_an_answer_is_sent_again(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """A stack that gets none hangs for an hour."""
    monkeypatch.setattr(custom_resource, "_PAUSES", (0, 0, 0))
    heard: list[dict[str, Any]] = []
    attempts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            attempts.append(fault)
            if len(attempts) == 1:
                if fault == "put off":
                    self.send_error(503)
                return  # else the connection ends without an answer
            heard.append(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        event = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "l", "ResponseURL": url}
        custom_resource.answer(event, lambda _: {"PhysicalResourceId": "made"})
        server.shutdown()
    assert [each["Status"] for each in heard] == ["SUCCESS"]
    assert len(attempts) == 2
