"""Serve many models in one container: the API by which SageMaker has them loaded, unloaded and asked.

Follows the multi-model part of python_service.py and tfs_utils.py of aws/deep-learning-containers,
scripts/docker/tensorflow/inference/sagemaker, and SageMaker's guide, "Custom containers contract for multi-model
endpoints". There each model has a TensorFlow Serving of its own, with two ports of SAGEMAKER_SAFE_PORT_RANGE; here one
process has all of them, and the range only says how many there may be. What a model required, requirements.txt, is not
installed in either.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import json
import logging
import os
import re
import sys
import threading
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.serving import app, grpc_api, handlers, layout, rest_api
from embedded_aws.serving.app import JSON, HostApplication, HttpRequest, HttpResponse
from embedded_aws.serving.default_handler import error
from embedded_aws.serving.tensorflow_serving import ModelServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from embedded_aws.serving.handlers import PythonService

log = logging.getLogger(__name__)

_MODELS = "/models"
_ONE = re.compile(r"/models/(?P<name>[^/]+)(?P<invoke>/invoke)?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_PORTS_SHARE = 0.9  # of the range, that the container uses
_EXHAUSTED = "Memory exhausted: "


def serve(predictions: socket.socket, reserved: socket.socket, connections: socket.socket) -> None:
    """Answer until SIGTERM, then finish the requests in progress. There is no model at first.

    TensorFlow Serving's REST interface is on `predictions`, its gRPC interface on the port of `reserved` once a handler
    looks for it.
    """
    server = ModelServer({}, default="")
    models_url = f"http://127.0.0.1:{predictions.getsockname()[1]}/v1/models"
    start_grpc = grpc_api.GrpcApi(server, reserved).start
    grpc = grpc_api.GrpcPort(reserved.getsockname()[1], start_grpc)
    post = rest_api.direct_post(server, models_url)
    seconds = int(os.environ.get("SAGEMAKER_TFS_WAIT_TIME_SECONDS", "60"))
    rest_api.listen(predictions, server, start_grpc=start_grpc)

    def service(name: str, folder: Path) -> PythonService:
        serving = handlers.TensorFlowServing(models_url, name, post, grpc, seconds)
        return handlers.load(folder / "code", serving) or handlers.passing_on(serving)

    models = Models(server, service, most=_most(os.environ))
    ready = {"/ping": HttpResponse(HTTPStatus.OK, JSON, b"")}
    app.run(HostApplication(models.respond, ready=ready, aside=(_MODELS,)), connections)


class Models:
    """The models that are loaded, each with its handlers."""

    def __init__(self, server: ModelServer, service: Callable[[str, Path], PythonService], *, most: int) -> None:
        """Have none at first, and never more than `most`."""
        self._server, self._service, self._most = server, service, most
        self._services: dict[str, PythonService] = {}
        self._lock = threading.Lock()

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer one request of SageMaker's."""
        if request.path == _MODELS:
            return self._load(request.body) if request.method == "POST" else self._list()
        one = _ONE.fullmatch(request.path)
        if one is None or (one["invoke"] and request.method != "POST"):
            if request.path == "/invocations":
                return error(HTTPStatus.BAD_REQUEST, "Invocation request does not contain model name.")
            return error(HTTPStatus.NOT_FOUND, "Not Found")
        name = one["name"]
        if one["invoke"]:
            service = self._services.get(name)
            return service(request) if service else _not_loaded(name)
        if not _NAME.fullmatch(name):
            return error(HTTPStatus.BAD_REQUEST, f"invalid model_name: {name!r}")
        return self._unload(name) if request.method == "DELETE" else self._look_at(name)

    def _load(self, body: bytes) -> HttpResponse:
        try:
            document = json.loads(body)
            name, folder = str(document["model_name"]), Path(document["url"])
        except (ValueError, KeyError, TypeError) as failure:
            return error(HTTPStatus.BAD_REQUEST, f"model_name and url are wanted: {failure}")
        if not _NAME.fullmatch(name):
            return error(HTTPStatus.BAD_REQUEST, f"invalid model_name: {name!r}")
        with self._lock:
            if name in self._services:
                return error(HTTPStatus.CONFLICT, f"Model {name} is already loaded.")
            if len(self._services) >= self._most:
                return error(HTTPStatus.INSUFFICIENT_STORAGE, f"{_EXHAUSTED}no available ports to load the model.")
            versions = {int(each.name): each for each in folder.glob("*") if each.is_dir() and each.name.isdigit()}
            if not versions:
                message = f"Could not find valid base path {folder} for servable {name}"
                return error(HTTPStatus.NOT_FOUND, message)
            return self._bring(name, folder, versions)

    def _bring(self, name: str, folder: Path, versions: Mapping[int, Path]) -> HttpResponse:
        library = folder / "code" / layout.LIBRARY
        if library.exists():
            sys.path.append(str(library))
        self._server.add(name, versions)
        try:
            service = self._service(name, folder)
            if not service.answers_by_itself:
                for version in versions.values():
                    self._server.model(version)
        except (MemoryError, OSError) as failure:
            self._server.remove(name)
            if isinstance(failure, MemoryError) or failure.errno == errno.ENOMEM:
                message = f"{_EXHAUSTED}not enough memory to start TFS instance"
                return error(HTTPStatus.INSUFFICIENT_STORAGE, message)
            log.exception("failed to load model %s", name)
            return error(HTTPStatus.INTERNAL_SERVER_ERROR, str(failure))
        except Exception as failure:
            self._server.remove(name)
            log.exception("failed to load model %s", name)
            return error(HTTPStatus.INTERNAL_SERVER_ERROR, str(failure))
        self._services[name] = service
        log.info("loaded model %s", name)
        return _document({"success": f"Successfully loaded model {name}."})

    def _unload(self, name: str) -> HttpResponse:
        with self._lock:
            if self._services.pop(name, None) is None:
                return error(HTTPStatus.NOT_FOUND, f"Model {name} is not loaded yet")
            self._server.remove(name)
            gc.collect()
            _give_memory_back()
        return _document({"success": f"Successfully unloaded model {name}."})

    def _list(self) -> HttpResponse:
        return _document({name: self._status(name) for name in [*self._services]})

    def _look_at(self, name: str) -> HttpResponse:
        return _document({"model": self._status(name)}) if name in self._services else _not_loaded(name)

    def _status(self, name: str) -> object:
        return json.loads(self._server.respond("GET", f"/v1/models/{name}", b"").body)


def _most(environment: Mapping[str, str]) -> int:
    """Return how many models the container has ports for."""
    lowest, _, highest = environment.get("SAGEMAKER_SAFE_PORT_RANGE", "").partition("-")
    if not highest:
        return sys.maxsize
    return int((int(highest) - int(lowest)) * _PORTS_SHARE) // 2


def _give_memory_back() -> None:
    """Let the system have what is free again: else a process that has had many models looks as if it had them still."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's own
    if trim:
        trim(0)


def _not_loaded(name: str) -> HttpResponse:
    return error(HTTPStatus.NOT_FOUND, f"Model {name} is not loaded yet.")


def _document(document: object) -> HttpResponse:
    return HttpResponse(HTTPStatus.OK, JSON, json.dumps(document).encode())
