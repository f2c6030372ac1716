"""Answer invocations as the container's Python service does: with the handlers of code/inference.py, or without any.

Follows python_service.py and tfs_utils.py of aws/deep-learning-containers, scripts/docker/tensorflow/inference/.
"""

from __future__ import annotations

import html
import importlib.util
import io
import json
import logging
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from embedded_aws.serving import default_handler, layout
from embedded_aws.serving.app import JSON, HttpResponse
from embedded_aws.serving.attributes import Attributes, InvalidAttributeError
from embedded_aws.serving.imports import OwnCode, forget_judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from requests import Response

    from embedded_aws.serving.app import HttpRequest
    from embedded_aws.serving.grpc_api import GrpcPort

    Post = Callable[[str, str | bytes], Response]
    Handle = Callable[[Any, "Context"], Any]

log = logging.getLogger(__name__)


class _Fields(NamedTuple):
    model_name: str | None
    model_version: str | None
    method: str | None
    rest_uri: str
    grpc_port: str
    channel: Any
    custom_attributes: str | None
    request_content_type: str
    accept_header: str
    content_length: int | None
    timeout: int


class Context(_Fields):
    """A request as a handler sees it: named as in the container, with the same fields in the same order.

    TensorFlow Serving's gRPC API begins to answer when a handler first looks for it.
    """

    __slots__ = ()

    @property
    def grpc_port(self) -> str:
        """Return the port of TensorFlow Serving's gRPC API, which answers there."""
        port: GrpcPort = super().channel
        return port.answering()

    @property
    def channel(self) -> Any:
        """Return a grpc.Channel to that port, the same one for every request."""
        port: GrpcPort = super().channel
        return port.channel()


class TensorFlowServing(NamedTuple):
    """Where the models answer: the address of all of them, which one is the default, and how to ask for a prediction.

    A handler that asks by itself, there or by gRPC, is told to wait `timeout` seconds.
    """

    models_url: str
    default_model: str
    post: Post
    grpc: GrpcPort
    timeout: int


class _AnswerError(Exception):
    """What is answered in the place of a handler's answer."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status)
        self.response = response


class PythonService:
    """Answers with one function that gets the request's body and its context."""

    def __init__(self, serving: TensorFlowServing, handle: Handle, *, answers_by_itself: bool = False) -> None:
        self._serving, self._handle = serving, handle
        self.answers_by_itself = answers_by_itself

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer an invocation; with status 500 and the error's text if a handler raises one."""
        try:
            context = self._context(request)
        except InvalidAttributeError as refused:
            return default_handler.error(HTTPStatus.BAD_REQUEST, f"{refused}{refused.rule}")
        try:
            answer, content_type = self._handle(io.BytesIO(request.body), context)
        except _AnswerError as other:
            return other.response
        except Exception as error:
            if chosen := _chosen_by_handler(error, context.accept_header):
                return chosen
            forget_judge(error)
            log.exception("exception handling request: %s", error)  # noqa: TRY401 - the container's own line
            return default_handler.error(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        return HttpResponse(HTTPStatus.OK, content_type or JSON, _body(answer))

    def _context(self, request: HttpRequest) -> Context:
        headers, serving = request.headers, self._serving
        custom = headers.get("x-amzn-sagemaker-custom-attributes")
        attributes = Attributes.read(custom)
        return Context(
            model_name=attributes.model_name,
            model_version=attributes.model_version,
            method=attributes.method,
            rest_uri=f"{serving.models_url}/{attributes.path(serving.default_model)}",
            grpc_port=serving.grpc.number,
            channel=serving.grpc,
            custom_attributes=custom,
            request_content_type=headers.get("content-type") or JSON,
            accept_header=headers.get("accept") or JSON,
            content_length=len(request.body),
            timeout=serving.timeout,
        )


def load(code: Path, serving: TensorFlowServing) -> PythonService | None:
    """Return the Python service of a model's code; None if there is no inference.py, requirements.txt or lib.

    Without inference.py it passes requests on as they come.
    """
    script = code / layout.SCRIPT
    if script.exists():
        return _scripted(_import(script, OwnCode(code)), serving)
    return passing_on(serving) if layout.wants_python_service(code) else None


def passing_on(serving: TensorFlowServing) -> PythonService:
    """Return the Python service of a model without code: it passes requests on as they come."""
    return PythonService(serving, _pass_on(serving.post))


def _import(path: Path, own: OwnCode) -> Any:
    spec = importlib.util.spec_from_file_location("inference", path, loader=own.loader("inference", str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be imported")
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script  # dataclasses and pickles of the script look it up there
    try:
        spec.loader.exec_module(script)
    except BaseException as error:
        forget_judge(error)
        raise
    return script


def _scripted(script: Any, serving: TensorFlowServing) -> PythonService:
    if hasattr(script, "handler"):
        return PythonService(serving, script.handler, answers_by_itself=True)
    if hasattr(script, "input_handler") and hasattr(script, "output_handler"):
        return PythonService(serving, _chain(script.input_handler, script.output_handler, serving.post))
    raise NotImplementedError("Handlers are not implemented correctly in user script.")


def _chain(input_handler: Handle, output_handler: Callable[..., Any], post: Post) -> Handle:
    """Return what asks TensorFlow Serving between the two. They see no refusal: the caller gets that at once."""

    def handle(data: Any, context: Context) -> Any:
        return output_handler(_accepted(post(context.rest_uri, input_handler(data, context)), context), context)

    return handle


def _pass_on(post: Post) -> Handle:
    def handle(data: Any, context: Context) -> tuple[bytes, str]:
        content_type = default_handler.media_type(context.request_content_type)
        if content_type not in default_handler.CONTENT_TYPES:
            message = f"Unsupported Media Type: {content_type}"
            raise _AnswerError(default_handler.error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message))
        return _accepted(post(context.rest_uri, data.read().decode()), context).content, context.accept_header

    return handle


def _accepted(response: Response, context: Context) -> Response:
    """Return TensorFlow Serving's answer. Raises _AnswerError if it is a refusal."""
    if response.status_code == HTTPStatus.OK:
        return response
    status = HTTPStatus(response.status_code)
    title, description = f"{status.value} {status.phrase}", response.content.decode(errors="replace")
    document = json.dumps({"title": title, "description": description}, ensure_ascii=False)
    markup = f"<title>{_escape(title)}</title><description>{_escape(description)}</description>"
    raise _AnswerError(_negotiated(status, context.accept_header, document, markup))


def _chosen_by_handler(error: Exception, accept: str) -> HttpResponse | None:
    """Return the answer of a falcon.HTTPError, with which a handler may choose the status; None for other errors."""
    falcon = sys.modules.get("falcon")
    if falcon is None or not isinstance(error, falcon.HTTPError):
        return None
    document = error.to_json()
    text = document.decode() if isinstance(document, bytes) else document
    title = _escape(str(error.title))
    markup = f"<title>{title}</title><description>{_escape(error.description or '')}</description>"
    return _negotiated(HTTPStatus(int(str(error.status)[:3])), accept, text, markup)


def _negotiated(status: HTTPStatus, accept: str, document: str, markup: str) -> HttpResponse:
    """Return an error as falcon 3.1 writes it: in JSON or XML, or with no body if the caller would rather have neither.

    Told by falcon's own test client, accept header by accept header.
    """
    types = [default_handler.media_type(each) for each in accept.split(",")]
    if {JSON, "application/*", "*/*"} & {*types} or "+json" in accept.lower():
        return HttpResponse(status, JSON, document.encode())
    xml = [each for each in types if each in ("application/xml", "text/xml")]
    if xml:
        text = f'<?xml version="1.0" encoding="UTF-8"?><error>{markup}</error>'
        return HttpResponse(status, xml[0], text.encode())
    return HttpResponse(status, JSON, b"")


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _body(answer: Any) -> bytes:
    """Return a handler's answer as bytes. Raises TypeError, as gunicorn does: the server's error."""
    if answer is None:
        return b""
    if isinstance(answer, str):
        return answer.encode()
    if not isinstance(answer, bytes):
        raise TypeError(f"{answer!r} is not a byte")
    return answer
