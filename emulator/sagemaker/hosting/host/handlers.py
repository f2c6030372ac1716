"""The container's Python service: code/inference.py's handlers around TensorFlow Serving.

Contract: README of aws/sagemaker-tensorflow-serving-container, "Pre/Post-Processing", and its python_service.py.
"""

from __future__ import annotations

import importlib.util
import io
import json
import logging
import re
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import ModuleType

    from emulator.sagemaker.hosting.host.serving import ModelServer

log = logging.getLogger(__name__)

SCRIPT = "inference.py"
_ATTRIBUTES = re.compile(r"(tfs-[a-z\-]+)=([^,]+)")


class Context(NamedTuple):
    """What a handler is told about a request; the container's own fields, in its order."""

    model_name: str | None
    model_version: str | None
    method: str | None
    rest_uri: str
    grpc_port: str | None
    channel: None
    custom_attributes: str | None
    request_content_type: str
    accept_header: str
    content_length: int | None


@dataclass(frozen=True)
class Reply:
    """Status, content type and body of an answer."""

    status: int
    content_type: str
    body: bytes


class Handler:
    """The handlers of one inference.py."""

    def __init__(self, script: ModuleType, *, server: ModelServer, rest: str) -> None:
        self._server, self._rest = server, rest
        if hasattr(script, "handler"):
            self._handle = script.handler
        elif hasattr(script, "input_handler") and hasattr(script, "output_handler"):
            self._handle = self._around(script.input_handler, script.output_handler)
        else:
            raise NotImplementedError("Handlers are not implemented correctly in user script.")

    def __call__(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer an invocation. What a handler raises is the answer, with status 500."""
        try:
            answer, content_type = self._handle(io.BytesIO(body), self._context(headers, len(body)))
        except Exception as error:
            log.exception("exception handling request: %s", error)  # noqa: TRY401 - the container's own line
            document = json.dumps({"error": str(error)}).encode()
            return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, "application/json", document)
        return Reply(HTTPStatus.OK, content_type, answer if isinstance(answer, bytes) else str(answer).encode())

    def _around(self, before: Callable[..., Any], after: Callable[..., Any]) -> Callable[..., Any]:
        def handle(data: io.BytesIO, context: Context) -> Any:
            processed = before(data, context)
            return after(self._post(context.rest_uri, processed), context)

        return handle

    def _post(self, uri: str, data: Any) -> requests.Response:
        """What `requests.post(uri, data=data)` answers, without the way through the network."""
        body = data.encode() if isinstance(data, str) else bytes(data)
        answer = self._server.predict(uri.removeprefix(self._rest.removesuffix("/v1/models")), body)
        response = requests.Response()
        response.status_code = int(answer.status)
        response.reason = HTTPStatus(answer.status).phrase
        response.url = uri
        response.headers["Content-Type"] = "application/json"
        response.headers["Content-Length"] = str(len(answer.body))
        response.encoding = "utf-8"
        response._content = answer.body  # noqa: SLF001 - requests' own way to set it, as its adapters do
        return response

    def _context(self, headers: Mapping[str, str], length: int) -> Context:
        custom = headers.get("x-amzn-sagemaker-custom-attributes")
        attributes = dict(_ATTRIBUTES.findall(custom or ""))
        version = attributes.get("tfs-model-version")
        uri = f"{self._rest}/{attributes.get('tfs-model-name', self._server.default)}"
        uri += f"/versions/{version}" if version else ""
        return Context(
            model_name=attributes.get("tfs-model-name"),
            model_version=version,
            method=attributes.get("tfs-method"),
            rest_uri=f"{uri}:{attributes.get('tfs-method', 'predict')}",
            grpc_port=None,
            channel=None,
            custom_attributes=custom,
            request_content_type=headers.get("content-type") or "application/json",
            accept_header=headers.get("accept") or "application/json",
            content_length=length,
        )


def load(code: Path, *, server: ModelServer, rest: str) -> Handler | None:
    """The handlers of code/inference.py; None if there is no such file."""
    if not (code / SCRIPT).exists():
        return None
    spec = importlib.util.spec_from_file_location("inference", code / SCRIPT)
    if spec is None or spec.loader is None:
        raise ImportError(f"{code / SCRIPT} can't be imported")
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script  # dataclasses and pickles of the script look it up there
    spec.loader.exec_module(script)
    return Handler(script, server=server, rest=rest)
