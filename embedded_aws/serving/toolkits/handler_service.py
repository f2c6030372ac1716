"""Answer as a worker of TorchServe or Multi Model Server does: by the handler service of sagemaker-inference.

Follows handler_service.py of aws/sagemaker-pytorch-inference-toolkit (which is used as it is), of
aws/sagemaker-scikit-learn-container and of aws/sagemaker-xgboost-container. What a function of the script raises, an
unsupported content type too, is status 500 with its message and traceback: Transformer.transform of
aws/sagemaker-inference-toolkit. What becomes of an answer that is neither text nor bytes: pytorch/serve,
ts/protocol/otf_message_handler.py.
"""

from __future__ import annotations

import json
import logging
import sys
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws.serving.app import HttpResponse
from embedded_aws.serving.toolkits.model_server import NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embedded_aws.serving.app import HttpRequest, Respond


def load(service: Callable[[], Any], model: Path) -> Respond:
    """Let a handler service load the model in a folder; return what answers."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    made, context = service(), Context(model)
    made.initialize(context)
    return partial(_respond, made, context)


def _respond(service: Any, context: Context, request: HttpRequest) -> HttpResponse:
    if request.path != "/invocations":
        return NOT_FOUND
    context.begin(request.headers)
    [answer] = service.handle([{"body": bytearray(request.body)}], context)
    if isinstance(answer, str):
        answer = answer.encode()
    elif not isinstance(answer, (bytes, bytearray)):
        answer = json.dumps(answer).encode()
    return HttpResponse(context.status, context.content_type, bytes(answer), (*context.response_headers.items(),))


class _Headers(dict[str, str]):
    """A request's headers, found whatever their case: servers in front of a container each write them their way."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return a header's value."""
        return super().get(name.lower(), default)


class RequestProcessor:
    """The headers of a request, as handlers ask for them."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = _Headers(headers)

    def get_request_properties(self) -> dict[str, str]:
        """Return all of them."""
        return self._headers

    def get_request_property(self, key: str) -> str | None:
        """Return one of them."""
        value: str | None = self._headers.get(key)
        return value


class Context:
    """What a handler is told of the model and of the request: ts/context.py of pytorch/serve, and mms/context.py."""

    def __init__(self, model: Path) -> None:
        """Have no request yet."""
        self.model_name = model.name
        self.manifest: dict[str, Any] = {}
        self.system_properties = {
            "model_dir": str(model),
            "gpu_id": None,
            "batch_size": 1,
            "server_name": "MMS",
            "server_version": "",
        }
        self.begin({})

    def begin(self, headers: dict[str, str]) -> None:
        """Turn to the next request."""
        self.request_processor = [RequestProcessor(headers)]
        self.status, self.content_type = int(HTTPStatus.OK), ""
        self.response_headers: dict[str, str] = {}

    def get_request_header(self, _index: int, key: str) -> str | None:
        """Return a header of the request."""
        return self.request_processor[0].get_request_property(key)

    def get_all_request_header(self, _index: int) -> dict[str, str]:
        """Return all headers of the request."""
        return self.request_processor[0].get_request_properties()

    def set_response_content_type(self, _index: int, value: str) -> None:
        """Choose the answer's content type."""
        self.content_type = value

    def get_response_content_type(self, _index: int) -> str:
        """Return the answer's content type."""
        return self.content_type

    def set_response_header(self, _index: int, key: str, value: str) -> None:
        """Add a header to the answer."""
        self.response_headers[key.lower()] = value

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:  # noqa: ARG002 - handlers give them by name
        """Choose the answer's status."""
        self.status = int(code)
