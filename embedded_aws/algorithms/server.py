"""Serve an algorithm's model: /ping, /execution-parameters and /invocations, as AWS's containers have them.

Source: algorithm_mode/serve.py of aws/sagemaker-xgboost-container: what a container of an algorithm tells a transform
job, that a body of more than MAX_CONTENT_LENGTH is refused, and that a model which does not load ends the container.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from embedded_aws.algorithms import job
from embedded_aws.serving import app
from embedded_aws.serving.app import JSON, HostApplication, HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embedded_aws.serving.app import HttpRequest

log = logging.getLogger(__name__)

_MB = 1024 * 1024
_TEXT = "text/html; charset=utf-8"


class Model(Protocol):
    """A model that is loaded."""

    def invoke(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a POST to /invocations. May be called on several threads at once."""


def run(load: Callable[[Path], Model], listen: int, ml: Path) -> int:
    """Load the model below `ml`, then serve until SIGTERM; return the exit status."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the container's serving.py does
    job.log_like_aws()
    if os.environ.get("SAGEMAKER_MULTI_MODEL") == "true":
        log.error(
            "The embedded AWS has built-in algorithms serve one model a container: host it without Mode MultiModel, or "
            "on AWS."
        )
        return 1
    try:
        model = load(ml / "model")
    except Exception:
        log.exception("The model can't be loaded.")
        return 1
    most = int(os.environ.get("MAX_CONTENT_LENGTH", 6 * _MB))
    ready = {
        "/ping": HttpResponse(HTTPStatus.OK, _TEXT, b""),
        "/execution-parameters": HttpResponse(HTTPStatus.OK, JSON, json.dumps(_parameters(most)).encode()),
    }
    log.info("Model loaded successfully for worker : %d", os.getpid())
    app.run(HostApplication(partial(_respond, model, most), ready=ready), socket.socket(fileno=listen))
    return 0


def text(status: HTTPStatus, sentence: str) -> HttpResponse:
    """Return an answer that is a sentence, as Flask makes it of a text."""
    return HttpResponse(status, _TEXT, sentence.encode())


def _parameters(most: int) -> dict[str, str | int]:
    return {
        "MaxConcurrentTransforms": os.cpu_count() or 1,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": most // _MB,
    }


def _respond(model: Model, most: int, request: HttpRequest) -> HttpResponse:
    if request.path != "/invocations":
        return text(HTTPStatus.NOT_FOUND, "Not Found")
    if request.method != "POST":
        return text(HTTPStatus.METHOD_NOT_ALLOWED, "Method Not Allowed")
    if len(request.body) > most:
        return text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
    return model.invoke(request)
