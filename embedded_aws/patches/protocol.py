"""What the embedded AWS has not got is refused with a coded error that names it, in the protocol it was asked in.

ministack answers some of it with a document that has no code. The codes are AWS's for an operation that a service has
not got: InvalidAction of the query protocol, UnknownOperationException of the JSON ones.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import botocore.session
import ministack.app
from ministack.core import router

from embedded_aws import aws_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.patches.service_handlers import Response

_UNKNOWN = "unknown"
_OTHERWISE = "s3"
_S3_LABEL = re.compile(r"(^|\.)s3[.-]")
_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")
_QUERY = "application/x-www-form-urlencoded"


def refuse_unknown() -> None:
    """Answer for every service that nothing else answers for."""
    detect = ministack.app.detect_service

    def detect_or_refuse(
        method: str, path: str, headers: Mapping[str, str], query: Mapping[str, list[str]], *more: Any
    ) -> str:
        service = str(detect(method, path, headers, query, *more))
        if service == _OTHERWISE and _is_of_no_service(headers, query):
            return _UNKNOWN
        return service if service in ministack.app.SERVICE_HANDLERS else _UNKNOWN

    router._BUILTIN_HOST_SUFFIXES = (*router._BUILTIN_HOST_SUFFIXES, *aws_names.domains())
    ministack.app.detect_service = detect_or_refuse
    ministack.app.SERVICE_HANDLERS[_UNKNOWN] = _refuse
    _know_services_by_name()


def _is_of_no_service(headers: Mapping[str, str], query: Mapping[str, list[str]]) -> bool:
    """Whether what ministack takes for S3's, as it takes all that it can't place, was sent to another name of AWS's."""
    host = headers.get("host", "").partition(":")[0].lower()
    signed = "authorization" in headers or any(name.lower() == "x-amz-credential" for name in query)
    return not signed and aws_names.is_aws(host) and not _S3_LABEL.search(host)


def _know_services_by_name() -> None:
    """Ministack reads all of botocore's models, for seconds, before it believes that "pricing" is a service of AWS."""
    names = frozenset(botocore.session.get_session().get_available_services())
    ask = router._is_aws_service_name
    router._is_aws_service_name = lambda scope: scope in names or ask(scope)


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
