"""One process that answers: the model's handlers, or the container's own, and TensorFlow Serving behind them."""

from __future__ import annotations

import os
import signal
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.serving import handlers, rest, web
from embedded_aws.serving.default_handler import DefaultHandler
from embedded_aws.serving.messages import HttpResponse
from embedded_aws.serving.tensorflow_serving import ModelServer

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from embedded_aws.serving.messages import HttpRequest
    from embedded_aws.serving.shares import Shares

_JSON = "application/json"
_AT_ONCE = {"/ping": HttpResponse(HTTPStatus.OK, _JSON, b"")}


def serve(model: Path, listening: socket.socket, predictions: socket.socket, shares: Shares, number: int) -> None:
    """Load, then answer on `listening` until SIGTERM; requests in progress are finished.

    Worker number 0 has the models and answers TensorFlow Serving's REST interface on `predictions`; the others ask it.
    Models that are not needed, because a `handler` answers by itself, are not loaded before they are asked.
    """
    server = ModelServer.find(model, default=os.environ.get("SAGEMAKER_TFS_DEFAULT_MODEL_NAME"))
    address = f"http://127.0.0.1:{predictions.getsockname()[1]}/v1/models"
    post = rest.post if number else rest.shortcut(server, address)
    handler = handlers.load(model / "code", rest=address, default_model=server.default, post=post)
    needed = handler is None or not handler.answers_by_itself
    if number == 0:
        if needed:
            server.load()
        rest.listen(predictions, server)
    else:
        predictions.close()
        if needed:
            rest.wait(address, server.default)
    answer = partial(_invoke, handler or DefaultHandler(server))
    web.run(listening, web.Server(answer, shares.of(number), at_once=_AT_ONCE), signals=(signal.SIGTERM,))


def _invoke(answer: web.Answer, request: HttpRequest) -> HttpResponse:
    if request.path == "/invocations" and request.method == "POST":
        return answer(request)
    return HttpResponse(HTTPStatus.NOT_FOUND, _JSON, b'{"error": "Not Found"}')
