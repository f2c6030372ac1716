"""TensorFlow Serving's REST API, /v1/models, on a port of its own, and how a pair of handlers asks there."""

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
    """Start answering, on a thread: a handler that waits for a prediction must not wait for itself."""
    application = app.HostApplication(lambda request: server.respond(request.method, request.path, request.body))
    threading.Thread(target=app.run, args=(application, listening), name="rest-api", daemon=True).start()


def post(uri: str, data: str | bytes) -> Response:
    """Ask for a prediction as the container's Python service does."""
    import requests  # noqa: PLC0415 - a `handler` that answers by itself has no use for it

    return requests.post(uri, data=data, timeout=None)  # noqa: S113 - a prediction takes as long as it takes


def wait_until_loaded(models_url: str, model: str) -> None:
    """Return once the models are loaded: only then does anybody answer."""
    import requests  # noqa: PLC0415 - as above

    requests.get(f"{models_url}/{model}", timeout=None)  # noqa: S113 - loading takes as long as it takes


def direct_post(server: ModelServer, models_url: str) -> Callable[[str, str | bytes], Response]:
    """Return a `post` that asks the models without the network, for the process that has them itself."""

    def ask(uri: str, data: str | bytes) -> Response:
        from requests import Response  # noqa: PLC0415 - as above

        body = data.encode() if isinstance(data, str) else bytes(data)
        answer = server.predict(uri.removeprefix(models_url.removesuffix("/v1/models")), body)
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
