"""Answer invocations with the handlers of code/inference.py, around TensorFlow Serving.

Contract: README of aws/sagemaker-tensorflow-serving-container, "Pre/Post-Processing", and its python_service.py.
"""

from __future__ import annotations

import importlib.util
import io
import json
import logging
import re
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from embedded_aws.serving.app import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from requests import Response

    from embedded_aws.serving.app import HttpRequest

    Post = Callable[[str, str | bytes], Response]

log = logging.getLogger(__name__)

SCRIPT = "inference.py"
_ATTRIBUTES = re.compile(r"(tfs-[a-z\-]+)=([^,]+)")


class Context(NamedTuple):
    """A request as a handler sees it: named as in the container, with the same fields in the same order."""

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


class ScriptHandler:
    """Answers with the handlers of one inference.py.

    `models_url` is where TensorFlow Serving answers for all models; `post` asks it for a prediction at an URL below.
    """

    def __init__(self, script: ModuleType, *, models_url: str, default_model: str, post: Post) -> None:
        self._models_url, self._default_model = models_url, default_model
        self.answers_by_itself = hasattr(script, "handler")
        if self.answers_by_itself:
            self._handle = script.handler
        elif hasattr(script, "input_handler") and hasattr(script, "output_handler"):
            self._handle = _chain(script.input_handler, script.output_handler, post)
        else:
            raise NotImplementedError("Handlers are not implemented correctly in user script.")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer an invocation; with status 500 and the error's text if a handler raises one."""
        try:
            answer, content_type = self._handle(io.BytesIO(request.body), self._context(request))
        except Exception as error:
            log.exception("exception handling request: %s", error)  # noqa: TRY401 - the container's own line
            document = json.dumps({"error": str(error)}).encode()
            return HttpResponse(HTTPStatus.INTERNAL_SERVER_ERROR, "application/json", document)
        return HttpResponse(HTTPStatus.OK, content_type, answer if isinstance(answer, bytes) else str(answer).encode())

    def _context(self, request: HttpRequest) -> Context:
        headers = request.headers
        custom = headers.get("x-amzn-sagemaker-custom-attributes")
        attributes = tfs_attributes(custom)
        version = attributes.get("tfs-model-version")
        uri = f"{self._models_url}/{attributes.get('tfs-model-name', self._default_model)}"
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
            content_length=len(request.body),
        )


def tfs_attributes(custom: str | None) -> dict[str, str]:
    """Return what X-Amzn-SageMaker-Custom-Attributes tells TensorFlow Serving, by name: tfs-method and so on."""
    return dict(_ATTRIBUTES.findall(custom or ""))


def _chain(input_handler: Callable[..., Any], output_handler: Callable[..., Any], post: Post) -> Callable[..., Any]:
    return lambda data, context: output_handler(post(context.rest_uri, input_handler(data, context)), context)


def load(code: Path, *, models_url: str, default_model: str, post: Post) -> ScriptHandler | None:
    """Load code/inference.py and return what answers with its handlers; None if there is no such file."""
    if not (code / SCRIPT).exists():
        return None
    spec = importlib.util.spec_from_file_location("inference", code / SCRIPT)
    if spec is None or spec.loader is None:
        raise ImportError(f"{code / SCRIPT} can't be imported")
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script  # dataclasses and pickles of the script look it up there
    spec.loader.exec_module(script)
    return ScriptHandler(script, models_url=models_url, default_model=default_model, post=post)
