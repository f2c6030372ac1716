"""What every answer of the embedded AWS looks like: a coded error in the protocol spoken, and the right Content-Type.

What it has not got is refused with a coded error that names it; ministack answers some of it with a document that has
no code. The codes are AWS's for an operation that a service has not got: InvalidAction of the query protocol,
UnknownOperationException of the JSON ones. An unforeseen error in any service is an InternalFailure (500) with the
log's place; ministack answers JSON to everybody, in which a client of S3 or IAM finds neither code nor message. A
request that the service's model does not allow is refused as that (model_check.py).

ministack puts the Content-Type right, by what botocore says of the service's protocol. For those two words it reads the
service's whole model, with a session of its own, while everybody waits: up to half a second and 10 MB a service. And
what a SageMaker model answers is the model's business, JSON or not.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import botocore.session
import ministack.app
from ministack.core import responses, router
from ministack.core.iam_actions import access_denied_response

from embedded_aws import aws_names, faults
from embedded_aws.patches import model_check, patching, service_handlers, service_models
from embedded_aws.patches.changing_requests import changes
from embedded_aws.patches.model_check import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.patches.service_handlers import Handler, Response

    Detect = Callable[[str, str, dict[str, str], dict[str, list[str]]], str]
    Fix = Callable[[str, int, dict[str, str]], None]

log = logging.getLogger(__name__)

_UNKNOWN = "unknown"
_FALLBACK = "s3"
_SAGEMAKER = "sagemaker"
_S3_LABEL = re.compile(r"(^|\.)s3[.-]")
_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")
_NO_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_QUERY = "application/x-www-form-urlencoded"

patches = patching.Patches()


def apply() -> None:
    """Refuse what there is not, and label answers. Before it, add all services."""
    suffixes = (*router._BUILTIN_HOST_SUFFIXES, *aws_names.domains())
    patching.assign(__name__, router, "_BUILTIN_HOST_SUFFIXES", suffixes)
    ministack.app.SERVICE_HANDLERS[_UNKNOWN] = _refuse
    _service_names()  # now, not at the first request
    patches.apply()


def tell_unexpected_errors() -> None:
    """Answer so for every service; the last of the patches, for errors in the others' work count too."""
    for name in ministack.app.SERVICE_HANDLERS:
        service_handlers.wrap(name, _telling(name))


@patches.wraps(ministack.app.detect_service, ministack.app)
def _detect_service(
    original: Detect, method: str, path: str, headers: dict[str, str], query_params: dict[str, list[str]]
) -> str:
    service = original(method, path, headers, query_params)
    if service == _FALLBACK and _is_of_no_service(headers, query_params):
        return _UNKNOWN
    return service if service in ministack.app.SERVICE_HANDLERS else _UNKNOWN


def _is_of_no_service(headers: Mapping[str, str], query: Mapping[str, list[str]]) -> bool:
    """Tell whether what ministack takes for S3's, as all that it can't place, was sent to another name of AWS's."""
    host = headers.get("host", "").partition(":")[0].lower()
    signed = "authorization" in headers or any(name.lower() == "x-amz-credential" for name in query)
    return not signed and aws_names.is_aws(host) and not _S3_LABEL.search(host)


@patches.wraps(router._is_aws_service_name)
def _is_aws_service_name(original: Callable[[str], bool], scope_name: str) -> bool:
    """Know services by name: ministack reads all of botocore's models, for seconds, before it believes in "pricing"."""
    return scope_name in _service_names() or original(scope_name)


@cache
def _service_names() -> frozenset[str]:
    return frozenset(botocore.session.get_session().get_available_services())


async def _refuse(
    method: str, path: str, headers: dict[str, str], body: bytes, _query: dict[str, list[str]]
) -> Response:
    lowered = {name.lower(): value for name, value in headers.items()}
    signed = _SCOPE.search(lowered.get("authorization", ""))
    service = signed[1] if signed else lowered.get("host", "this host")
    if lowered.get("content-type", "").startswith(_QUERY):
        operation = parse_qs(body.decode()).get("Action", [f"{method} {path}"])[0]
        return _query_error(_sentence(service, operation))
    operation = lowered.get("x-amz-target", f"{method} {path}").rpartition(".")[2]
    return _json_error(_sentence(service, operation))


def _sentence(service: str, operation: str) -> str:
    return f"The embedded AWS has not got the service {service}, so {operation} can't be answered. Ask AWS for it."


def _query_error(message: str) -> Response:
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>{escape(message)}</Message>"
        "</Error></ErrorResponse>"
    )
    return HTTPStatus.BAD_REQUEST, {"Content-Type": "text/xml"}, body.encode()


def _json_error(message: str) -> Response:
    code = "UnknownOperationException"
    body = json.dumps({"__type": code, "message": message}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
    return HTTPStatus.BAD_REQUEST, headers, body


def _telling(service: str) -> service_handlers.HandlerWrapper:
    of_ministack = service in ministack.app.SERVICE_REGISTRY  # ours read their requests themselves

    async def answered(
        answer: Handler, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        try:
            read = of_ministack and changes(service, method, path, headers, body, query)
            if read:
                body = model_check.read(service, method, path, headers, body, query)
            try:
                return _readable(await answer(method, path, headers, body, query))
            except Exception:
                # What changes nothing is read when ministack has stumbled over it: a null, say, is a member left out.
                as_read = body if read else model_check.read(service, method, path, headers, body, query)
                if as_read == body:
                    raise
                return _readable(await answer(method, path, headers, as_read, query))
        except RefusedError as refused:
            told = _error(service, headers, HTTPStatus.BAD_REQUEST, refused.code, refused.sentence)
            return _readable(told)
        except Exception as error:
            log.exception("%s: %s %s", service, method, path)
            said = faults.message(error)
            return _readable(_error(service, headers, HTTPStatus.INTERNAL_SERVER_ERROR, faults.CODE, said))

    return answered


def _error(service: str, headers: dict[str, str], status: HTTPStatus, code: str, message: str) -> Response:
    _, described, content = access_denied_response(
        service, "", "", str(uuid.uuid4()), error_code=code, message=message, headers=headers
    )
    return status, described, content


def _readable(answer: Response) -> Response:
    """Replace what XML can't have in an error's message, which quotes the request."""
    status, headers, body = answer
    if status >= HTTPStatus.BAD_REQUEST and isinstance(body, bytes) and body.startswith(b"<") and _NO_XML.search(body):
        kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        return status, kept, _NO_XML.sub(b"?", body)
    return answer


@patches.wraps(ministack.app.fix_success_content_type, ministack.app)
def _fix_success_content_type(original: Fix, service: str, status: int, headers: dict[str, str]) -> None:
    """Let answers of SageMaker and its runtime keep theirs."""
    if service != _SAGEMAKER:
        original(service, status, headers)


@patches.wraps(ministack.app.fix_error_content_type, ministack.app)
def _fix_error_content_type(original: Fix, service: str, status: int, headers: dict[str, str]) -> None:
    if service != _SAGEMAKER:
        original(service, status, headers)


@patches.replaces(responses._service_model)  # Step Functions, imported before, goes on with the whole model
def _service_model(service: str) -> Any:
    """Return the model that requests are read by; ministack would read each once more, in ten times the time."""
    return service_models.model(service)
