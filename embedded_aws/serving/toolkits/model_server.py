"""Stand in front of the workers: HTTP for one model, or for many that come and go.

/ping and errors are those of what AWS's containers have here. nginx and gunicorn, for one model of scikit-learn or
XGBoost: etc/nginx.conf.template of aws/sagemaker-containers; nginx's page: aws/amazon-sagemaker-examples#279. Multi
Model Server and TorchServe, else: `Worker died.` and its form as users quote it
(aws-samples/aws-healthcare-lifescience-ai-ml-sample-notebooks#103), the API for many models by SageMaker's guide,
"Custom containers contract for multi-model endpoints", and awslabs/multi-model-server, docs/management_api.md; `Failed
to start workers`: aws-neuron/aws-neuron-sdk#267. A model that does not load ends the host at once, where AWS's servers
try again until the ping health check has failed. Not compared with AWS: that nginx answers 502 for a worker that died.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from embedded_aws.serving import app, layout
from embedded_aws.serving.app import JSON, Application, HttpRequest, HttpResponse
from embedded_aws.serving.toolkits import code
from embedded_aws.serving.toolkits.workers import SOCKET, WorkerDiedError, Workers

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_SECONDS = "60"
_PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"


def run(framework: str, listen: int, ml: Path) -> int:
    """Load, serve until SIGTERM; requests in progress are finished. Returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s", stream=sys.stdout)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(framework, socket.socket(fileno=listen), ml))


async def _serve(framework: str, listening: socket.socket, ml: Path) -> int:
    environment = os.environ
    seconds = float(
        environment.get("SAGEMAKER_TS_RESPONSE_TIMEOUT") or environment.get("SAGEMAKER_MODEL_SERVER_TIMEOUT", _SECONDS)
    )
    many = layout.is_multi_model(environment)
    numbers = (
        ("SAGEMAKER_NUM_MODEL_WORKERS",) if many else ("SAGEMAKER_MODEL_SERVER_WORKERS", "SAGEMAKER_TS_MIN_WORKERS")
    )
    count = next((int(environment[name]) for name in numbers if environment.get(name)), 1)

    def workers(model: Path) -> Workers:
        program = str(Path(__file__).with_name("__main__.py"))
        command = [sys.executable, "-P", program, framework, SOCKET, str(ml), str(model)]
        return Workers(command, count=count, seconds=seconds)

    if not code.prepare(environment, code.folder(framework, ml, ml / "model")):
        return 1
    front = MODEL_SERVER if many or framework == "pytorch" else NGINX
    server = ManyModels(workers, front) if many else OneModel(workers(ml / "model"), front)
    try:
        await server.start()
    except WorkerDiedError as error:  # it has told why; AWS's servers would try again until the host is given up
        log.error("%s", error)  # noqa: TRY400
        await server.stop()
        return 1
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # uvicorn listens to it, and passes it on to what was there before
    await app.serve(server, listening)
    await server.stop()
    return 0


@dataclass(frozen=True)
class Front:
    """What stands in front of the workers in AWS's container: what it answers for itself."""

    ping: HttpResponse
    died: HttpResponse
    timed_out: HttpResponse


def _page(status: HTTPStatus, phrase: str) -> HttpResponse:
    return HttpResponse(status, "text/html", _PAGE.format(f"{status.value} {phrase}").encode())


def _document(document: object, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return HttpResponse(status, JSON, json.dumps(document, indent=2).encode() + b"\n")


def _error(status: HTTPStatus, kind: str, message: str) -> HttpResponse:
    return _document({"code": status, "type": kind, "message": message}, status)


_DIED = _error(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerException", "Worker died.")
NGINX = Front(
    ping=HttpResponse(HTTPStatus.OK, JSON, b""),
    died=_page(HTTPStatus.BAD_GATEWAY, "Bad Gateway"),
    timed_out=_page(HTTPStatus.GATEWAY_TIMEOUT, "Gateway Time-out"),
)
MODEL_SERVER = Front(ping=_document({"status": "Healthy"}), died=_DIED, timed_out=_DIED)


class Server(Application):
    """Answers /ping by itself, and lets workers answer the rest."""

    def __init__(self, front: Front) -> None:
        self._front = front

    async def start(self) -> None:
        """Do what is to be done before it listens. Raises WorkerDiedError."""

    async def stop(self) -> None:
        """End the workers."""

    async def _ask(self, workers: Workers, request: HttpRequest) -> HttpResponse:
        try:
            return await workers.ask(request)
        except TimeoutError:
            return self._front.timed_out
        except WorkerDiedError:
            return self._front.died


class OneModel(Server):
    """The workers of the model that the container came up with."""

    def __init__(self, workers: Workers, front: Front) -> None:
        super().__init__(front)
        self._workers = workers

    async def start(self) -> None:
        """Load the model. Raises WorkerDiedError."""
        await self._workers.start()

    async def stop(self) -> None:
        """End the workers."""
        await self._workers.stop()

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request."""
        if request.path == "/ping":
            return self._front.ping
        return await self._ask(self._workers, request)


class ManyModels(Server):
    """Each model that SageMaker has loaded, with workers of its own."""

    def __init__(self, workers: Callable[[Path], Workers], front: Front) -> None:
        """Have none at first; `workers` makes those of the model in a folder."""
        super().__init__(front)
        self._make = workers
        self._models: dict[str, tuple[str, Workers]] = {}

    async def stop(self) -> None:
        """End all workers."""
        for _, workers in self._models.values():
            await workers.stop()

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request of SageMaker's."""
        match request.method, request.path.strip("/").split("/"):
            case _, ["ping"]:
                return self._front.ping
            case "POST", ["models"]:
                return await self._load(request.body)
            case "GET", ["models"]:
                return _document({"models": [self._describe(name) for name in self._models]})
            case method, ["models", name, *rest]:
                return await self._answer_of(name, f"{method} {'/'.join(rest)}", request)
        return NOT_FOUND

    async def _answer_of(self, name: str, action: str, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request about one model."""
        if name not in self._models:
            return _error(HTTPStatus.NOT_FOUND, "ModelNotFoundException", f"Model not found: {name}")
        match action:
            case "POST invoke":
                return await self._ask(self._models[name][1], request._replace(path="/invocations"))
            case "GET ":
                return _document([self._describe(name)])
            case "DELETE ":
                await self._models.pop(name)[1].stop()
                return _document({"status": f'Model "{name}" unregistered'})
        return NOT_FOUND

    def _describe(self, name: str) -> dict[str, str]:
        return {"modelName": name, "modelUrl": self._models[name][0]}

    async def _load(self, body: bytes) -> HttpResponse:
        try:
            document = json.loads(body)
            name, url = str(document["model_name"]), str(document["url"])
        except (ValueError, KeyError, TypeError) as error:
            return _error(HTTPStatus.BAD_REQUEST, "BadRequestException", f"model_name and url are wanted: {error}")
        if name in self._models:
            message = f"Model {name} is already registered."
            return _error(HTTPStatus.CONFLICT, "ConflictStatusException", message)
        workers = self._make(Path(url))
        try:
            await workers.start()
        except WorkerDiedError as error:
            log.error("model %s: %s", name, error)  # noqa: TRY400 - the worker has told why
            await workers.stop()
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerException", "Failed to start workers")
        self._models[name] = url, workers
        return _document({"status": "Workers scaled"})


NOT_FOUND = _error(
    HTTPStatus.NOT_FOUND,
    "ResourceNotFoundException",
    "Requested resource is not found, please refer to API document.",
)
