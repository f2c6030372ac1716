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


_START_GRPC = "/start-grpc"  # no path of TensorFlow Serving: one worker tells another


def listen(listening: socket.socket, server: ModelServer, *, start_grpc: Callable[[], None]) -> None:
    """Start answering, on a thread: a handler that waits for a prediction must not wait for itself."""

    def respond(request: app.HttpRequest) -> app.HttpResponse:
        if request.path != _START_GRPC:
            return server.respond(request.method, request.path, request.body)
        start_grpc()
        return app.HttpResponse(HTTPStatus.OK, app.JSON, b"")

    application = app.HostApplication(respond)
    threading.Thread(target=app.run, args=(application, listening), name="rest-api", daemon=True).start()


def post(uri: str, data: str | bytes) -> Response:
    """Ask for a prediction as the container's Python service does."""
    import requests  # noqa: PLC0415 - a `handler` that answers by itself has no use for it

    return requests.post(uri, data=data, timeout=None)  # noqa: S113 - a prediction takes as long as it takes


def wait_until_loaded(models_url: str, model: str) -> None:
    """Return once the models are loaded: only then does anybody answer."""
    import requests  # noqa: PLC0415 - as above

    requests.get(f"{models_url}/{model}", timeout=None)  # noqa: S113 - loading takes as long as it takes


def start_grpc(models_url: str) -> None:
    """Have the worker that has the models answer by gRPC, too; returns when it does."""
    import requests  # noqa: PLC0415 - as above

    url = models_url.replace("/v1/models", _START_GRPC)
    requests.get(url, timeout=None).raise_for_status()  # noqa: S113 - loading takes as long as it takes


def direct_post(server: ModelServer, models_url: str) -> Callable[[str, str | bytes], Response]:
    """Return a `post` that asks the models without the network, for the process that has them itself."""

    def ask(uri: str, data: str | bytes) -> Response:
        from requests import Response  # noqa: PLC0415 - as above

        if not isinstance(data, str | bytes):  # a form, a file, an iterator: requests knows how to send these
            return post(uri, data)
        body = data.encode() if isinstance(data, str) else data
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
