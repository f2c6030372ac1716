"""A Jupyter server as its user reaches it: its REST interface, kernels and terminals."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import websocket

if TYPE_CHECKING:
    from collections.abc import Iterator


class Jupyter:
    """The server behind a presigned URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.port = parts.port
        self.token = parse_qs(parts.query)["token"][0]
        self._place = parts.netloc

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        """Return the status and the JSON document of an answer."""
        token = self.token if token is None else token
        request = urllib.request.Request(
            f"http://{self._place}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {token}"} if token else {},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None

    def run(self, code: str, *, kernel: str = "python3") -> str:
        """Return what a cell prints, run in a kernel of its own, which stays."""
        with self._asked(code, kernel) as (_, socket, question):
            return "".join(_printed(socket, question))

    def start(self, code: str) -> str:
        """Start a cell in a kernel of its own, and leave it at that once the kernel is busy. Return the kernel's id."""
        with self._asked(code, "python3") as (kernel, socket, question):
            while True:
                message = json.loads(socket.recv())
                mine = message["parent_header"].get("msg_id") == question
                if mine and message["content"].get("execution_state") == "busy":
                    return kernel

    @contextlib.contextmanager
    def _asked(self, code: str, name: str) -> Iterator[tuple[str, Any, str]]:
        """Yield a new kernel that was sent a cell: its id, its socket, and the id of the message."""
        kernel = self.ask("POST", "/api/kernels", {"name": name, "path": ""})[1]["id"]
        with self._socket(f"/api/kernels/{kernel}/channels") as socket:
            header = {
                "msg_id": uuid.uuid4().hex,
                "msg_type": "execute_request",
                "session": "s",
                "username": "",
                "date": "",
            }
            content = {
                "code": code,
                "silent": False,
                "store_history": False,
                "user_expressions": {},
                "allow_stdin": False,
            }
            message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
            socket.send(json.dumps(message))
            yield kernel, socket, header["msg_id"]

    def file(self, path: str) -> str:
        """Return the text of a file on the volume; hidden ones are told by a kernel alone."""
        return self.run(f"print(open({path!r}).read())").strip()

    def type(self, line: str, *, until: str) -> None:
        """Type a line into a new terminal, which stays, and read until it shows a text."""
        name = self.ask("POST", "/api/terminals")[1]["name"]
        with self._socket(f"/terminals/websocket/{name}") as socket:
            socket.send(json.dumps(["stdin", f"{line}\r"]))
            shown = ""
            while until not in shown:
                kind, *rest = json.loads(socket.recv())
                shown += rest[0] if kind == "stdout" else ""

    @contextlib.contextmanager
    def _socket(self, path: str) -> Iterator[Any]:
        url = f"ws://{self._place}{path}?token={self.token}"
        socket = websocket.create_connection(url, timeout=60, suppress_origin=True)
        try:
            yield socket
        finally:
            socket.close()


def _printed(socket: Any, question: str) -> Iterator[str]:
    """Yield the texts of the answer to a question, until the kernel is idle again."""
    while True:
        message = json.loads(socket.recv())
        if message["parent_header"].get("msg_id") != question:
            continue
        content = message["content"]
        match message["msg_type"]:
            case "stream":
                yield content["text"]
            case "error":
                yield "\n".join(content["traceback"])
            case "status" if content["execution_state"] == "idle":
                return
