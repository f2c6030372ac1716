"""Be a worker: load the model by one of AWS's toolkits, then answer one request after the other."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from embedded_aws.serving import layout
from embedded_aws.serving.app import HttpRequest
from embedded_aws.serving.toolkits import code, flask_app, handler_service, messages

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.serving.app import Respond


def run(framework: str, number: int, ml: Path, model: Path) -> int:
    """Load the model in a folder, tell so on the socket of that number, answer until it is closed.

    What goes wrong while it loads ends the process, with its traceback in the log.
    """
    os.environ.setdefault("SAGEMAKER_BASE_DIR", str(ml))
    respond = _load(framework, ml, model)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it goes to the whole group; what it is at is finished
    with socket.socket(fileno=number) as channel, channel.makefile("rwb") as stream:
        stream.write(messages.pack("ready"))
        stream.flush()
        while message := messages.receive(stream):
            (method, path, headers), body = message
            answer = respond(HttpRequest(method, path, headers, body))
            stream.write(messages.pack([int(answer.status), answer.content_type, answer.headers], answer.body))
            stream.flush()
    return 0


def _load(framework: str, ml: Path, model: Path) -> Respond:
    sys.path.insert(0, str(code.folder(framework, ml, model)))
    many = layout.is_multi_model(os.environ)
    if framework == "pytorch":
        from sagemaker_pytorch_serving_container.handler_service import HandlerService  # noqa: PLC0415 - as below

        return handler_service.load(HandlerService, model)
    # Each image has the one or the other.
    if framework == "xgboost":
        from embedded_aws.serving.toolkits import xgboost as defaults  # noqa: PLC0415
    else:
        from embedded_aws.serving.toolkits import scikit_learn as defaults  # type: ignore[no-redef]  # noqa: PLC0415
    return handler_service.load(defaults.service, model) if many else flask_app.load(defaults.defaults)
