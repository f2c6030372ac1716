"""Serve in one process: with the model's handlers, or the container's own, and TensorFlow Serving behind them."""

from __future__ import annotations

import os
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.serving import app, grpc_api, handlers, rest_api
from embedded_aws.serving.app import JSON, HostApplication, HttpResponse
from embedded_aws.serving.default_handler import DefaultHandler
from embedded_aws.serving.handlers import TensorFlowServing
from embedded_aws.serving.tensorflow_serving import ModelServer

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from embedded_aws.serving.app import HttpRequest, Respond

_READY = {"/ping": HttpResponse(HTTPStatus.OK, JSON, b"")}
_NOT_FOUND = HttpResponse(HTTPStatus.NOT_FOUND, JSON, b'{"error": "Not Found"}')


def serve(
    model: Path,
    predictions: socket.socket,
    reserved: socket.socket,
    connections: socket.socket,
    number: int,
    *,
    handed: bool,
) -> None:
    """Load, then answer until SIGTERM, then finish the requests in progress.

    `connections` is the listening socket, or where connections that another process accepted are `handed` out.
    Worker number 0 has the models and answers TensorFlow Serving's REST interface on `predictions`; the others ask it.
    Its gRPC interface is on the port of `reserved` once a handler looks for it.
    Models that are not needed, because a `handler` answers by itself, are not loaded before they are asked.
    """
    server = ModelServer.find(model, default=os.environ.get("SAGEMAKER_TFS_DEFAULT_MODEL_NAME"))
    models_url = f"http://127.0.0.1:{predictions.getsockname()[1]}/v1/models"
    post = rest_api.post if number else rest_api.direct_post(server, models_url)
    start_grpc = partial(rest_api.start_grpc, models_url) if number else grpc_api.GrpcApi(server, reserved).start
    grpc = grpc_api.GrpcPort(reserved.getsockname()[1], start_grpc)
    seconds = int(os.environ.get("SAGEMAKER_TFS_WAIT_TIME_SECONDS", "60"))
    handler = handlers.load(model / "code", TensorFlowServing(models_url, server.default, post, grpc, seconds))
    needed = handler is None or not handler.answers_by_itself
    if number == 0:
        if needed:
            server.load()
        rest_api.listen(predictions, server, start_grpc=start_grpc)
    else:
        predictions.close()
        if needed:
            rest_api.wait_until_loaded(models_url, server.default)
    application = HostApplication(partial(_respond, handler or DefaultHandler(server)), ready=_READY)
    run = app.run_handed if handed else app.run
    run(application, connections)


def _respond(invoke: Respond, request: HttpRequest) -> HttpResponse:
    if request.path == "/invocations" and request.method == "POST":
        return invoke(request)
    return _NOT_FOUND
