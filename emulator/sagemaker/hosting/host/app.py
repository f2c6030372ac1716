"""The host's web interface, plain ASGI: /ping, /invocations, and TensorFlow Serving's /v1 for handlers that call it."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from emulator.sagemaker.hosting.host.frontend import DefaultHandler
from emulator.sagemaker.hosting.host.handlers import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from emulator.sagemaker.hosting.host.handlers import Handler
    from emulator.sagemaker.hosting.host.serving import ModelServer

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]


class Application:
    """Answers on threads, so that a long prediction never holds up /ping.

    Handlers and predictions have pools of their own: a handler that waits for a prediction it posted itself must not
    take the thread that prediction needs.
    """

    def __init__(self, server: ModelServer, handler: Handler | None) -> None:
        self._server = server
        self._handler = handler or DefaultHandler(server)
        threads = os.cpu_count() or 1
        self._handlers = ThreadPoolExecutor(threads, thread_name_prefix="handler")
        self._predictions = ThreadPoolExecutor(threads, thread_name_prefix="prediction")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        path = scope["path"]
        body = await _body(receive)
        loop = asyncio.get_running_loop()
        if path == "/ping":
            reply = Reply(HTTPStatus.OK, "application/json", b"")
        elif path == "/invocations" and scope["method"] == "POST":
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            reply = await loop.run_in_executor(self._handlers, self._handler, headers, body)
        elif path.startswith("/v1/"):
            answer = await loop.run_in_executor(self._predictions, self._server.request, scope["method"], path, body)
            reply = Reply(answer.status, "application/json", answer.body)
        else:
            reply = Reply(HTTPStatus.NOT_FOUND, "application/json", b'{"error": "Not Found"}')
        await _send(send, reply)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return bytes(body)


async def _send(send: Send, reply: Reply) -> None:
    headers = [
        (b"content-type", reply.content_type.encode("latin-1")),
        (b"content-length", str(len(reply.body)).encode()),
    ]
    await send({"type": "http.response.start", "status": int(reply.status), "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
