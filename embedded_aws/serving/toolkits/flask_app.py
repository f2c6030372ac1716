"""Answer as scikit-learn's and XGBoost's containers do for one model: by the Flask application of sagemaker-containers.

Follows serving.py of aws/sagemaker-scikit-learn-container and of aws/sagemaker-xgboost-container. What a function of
the script raises, an unsupported content type too, is status 500 with Flask's page, and its traceback is in the log:
aws/sagemaker-python-sdk#2067.
"""

from __future__ import annotations

import collections
import importlib
import io
import logging
import os
import sys
import wsgiref.util
from functools import partial
from typing import TYPE_CHECKING, Any

from embedded_aws.serving.app import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.serving.app import HttpRequest, Respond

_FUNCTIONS = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
_OF_THE_CONNECTION = ("content-type", "content-length")


def load(defaults: Callable[[], dict[str, Any]]) -> Respond:
    """Import the script that SAGEMAKER_PROGRAM names, load its model; return what answers.

    `defaults` makes the framework's functions, for those that the script does not have.
    """
    if not os.environ.get("SAGEMAKER_PROGRAM"):
        raise ValueError(
            "SAGEMAKER_PROGRAM is missing in the model's Environment: it names the script with model_fn, which this "
            "container can't do without. The SageMaker SDK sets it from entry_point."
        )
    logging.basicConfig(format="%(asctime)s %(levelname)s - %(name)s - %(message)s", level=logging.INFO)
    _make_importable()
    from sagemaker_containers.beta.framework import env, transformer, worker  # noqa: PLC0415 - not before

    name = env.ServingEnv().module_name
    script = importlib.import_module(name)
    given = {each: getattr(script, each) for each in _FUNCTIONS if getattr(script, each, None)}
    functions = given if "transform_fn" in given else {**defaults(), **given}
    made = transformer.Transformer(**functions)
    made.initialize()
    parameters = getattr(script, "execution_parameters_fn", None)
    return partial(_call, worker.Worker(made.transform, module_name=name, execution_parameters_fn=parameters))


def _make_importable() -> None:
    """Let sagemaker-containers, of 2020, be imported by today's Python and with today's protobuf.

    AWS's Dockerfiles change the one (docker/sklearn and docker/xgboost of aws/deep-learning-containers) and have
    protobuf 3.20. The messages are the training toolkit's, too, which is newer.
    """
    vars(collections).setdefault("Mapping", collections.abc.Mapping)
    sys.modules.setdefault("sagemaker_containers.record_pb2", importlib.import_module("sagemaker_training.record_pb2"))


def _call(application: Callable[..., Any], request: HttpRequest) -> HttpResponse:
    """Return what a WSGI application answers."""
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    if content_type := headers.pop("HTTP_CONTENT_TYPE", None):
        headers["CONTENT_TYPE"] = content_type
    environ: dict[str, Any] = {
        **headers,
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.input": io.BytesIO(request.body),
    }
    wsgiref.util.setup_testing_defaults(environ)
    begun: list[Any] = []
    parts = application(environ, lambda status, headers, _error=None: begun.extend((status, headers)))
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    status, answered = begun[-2:]
    named = {name.lower(): value for name, value in answered}
    rest = tuple((name, value) for name, value in named.items() if name not in _OF_THE_CONNECTION)
    return HttpResponse(int(status[:3]), named.get("content-type", ""), body, rest)
