"""TensorFlow Serving's REST API on a port of its own: /v1/models, and how a pair of handlers asks there."""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.serving import app

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from requests import Response

    from embedded_aws.serving.tensorflow_serving import ModelServer


def listen(listening: socket.socket, server: ModelServer) -> None:
    """Answer there from now on, on a thread: a handler that waits for an answer must not wait for itself."""
    application = app.Application(lambda request: server.request(request.method, request.path, request.body))
    threading.Thread(target=app.run, args=(application, listening), name="rest-api", daemon=True).start()


def post(uri: str, data: str | bytes) -> Response:
    """Ask as the container does."""
    import requests  # noqa: PLC0415 - a `handler` that answers by itself has no use for it

    return requests.post(uri, data=data, timeout=None)  # noqa: S113 - a prediction takes as long as it takes


def wait(rest: str, model: str) -> None:
    """Return once the models are there: only then does anybody take the connection."""
    import requests  # noqa: PLC0415 - as above

    requests.get(f"{rest}/{model}", timeout=None)  # noqa: S113 - loading takes as long as it takes


def shortcut(server: ModelServer, rest: str) -> Callable[[str, str | bytes], Response]:
    """Return a `post` without the way through the network, for the process that has the models itself."""

    def ask(uri: str, data: str | bytes) -> Response:
        from requests import Response  # noqa: PLC0415 - as above

        body = data.encode() if isinstance(data, str) else bytes(data)
        answer = server.predict(uri.removeprefix(rest.removesuffix("/v1/models")), body)
        response = Response()
        response.status_code = int(answer.status)
        response.reason = HTTPStatus(answer.status).phrase
        response.url = uri
        response.headers["Content-Type"] = "application/json"
        response.headers["Content-Length"] = str(len(answer.body))
        response.encoding = "utf-8"
        response._content = answer.body  # noqa: SLF001 - requests' own way to set it, as its adapters do
        return response

    return ask
