"""Function URLs: what is too large for a function is refused, and both permissions are asked for.

ministack 1.5.33 hands a function whatever it is sent, and asks for one permission.

Sources. The size: Lambda's API reference, CreateFunctionUrlConfig, InvokeMode ("Lambda invokes your function using the
Invoke API operation … The maximum payload size is 6 MB"); the sentence is Invoke's own. The permissions:
`lambda:InvokeFunctionUrl` and, since October 2025, `lambda:InvokeFunction` (Lambda's guide, "Control access to Lambda
function URLs"; users' 403 without the second, with its sentence: brikis98/devops-book#12). Its condition key
`lambda:InvokedViaFunctionUrl` is true then, and is no key of the first: AddPermission has it as a member (botocore).
Not compared with AWS: the body of the 413.
"""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import ministack.app
from ministack.services import lambda_svc

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from embedded_aws.patches.service_handlers import Response

LARGEST_EVENT = 6_291_456
"""Bytes of what a function is called with. Source: Lambda's quotas, "Invocation payload"."""

_BY_URL, _BY_INVOKE = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"
_VIA_URL = {"lambda:InvokedViaFunctionUrl": "true"}
_FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
_TOO_LARGE = f"Request must be smaller than {LARGEST_EVENT} bytes for the InvokeFunction operation"

patches = Patches()


def is_too_large(event: dict[str, Any]) -> bool:
    """Tell whether a function can't be called with an event; only one with a large body is written down for that."""
    return len(event.get("body") or "") > LARGEST_EVENT // 2 and len(json.dumps(event)) > LARGEST_EVENT


class _TooLargeError(Exception):
    """The function can't be called with so much."""


@patches.wraps(lambda_svc._build_function_url_event)
def _build_function_url_event(
    original: Callable[..., dict[str, Any]],
    url_id: str,
    account_id: str,
    region: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    source_ip: str = "127.0.0.1",
    anonymous: bool = False,  # noqa: FBT002 - ministack's
    trace_root: str = "",
) -> dict[str, Any]:
    event = original(
        url_id, account_id, region, method, path, headers, body, query_params, source_ip, anonymous, trace_root
    )
    if is_too_large(event):
        raise _TooLargeError
    return event


@patches.wraps(lambda_svc.handle_function_url_request)
async def _handle_function_url_request(
    original: Callable[..., Awaitable[Response]],
    url_id: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    resolved: tuple[Any, ...] | None = None,
    source_ip: str | None = None,
) -> Response:
    try:
        return await original(url_id, method, path, headers, body, query_params, resolved, source_ip)
    except _TooLargeError:
        described = {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, described, json.dumps({"Message": _TOO_LARGE}).encode()


@patches.wraps(ministack.app._enforce_data_plane)
def _enforce_data_plane(
    original: Callable[..., Response | None],
    service: str,
    iam_action: str,
    headers: dict[str, str],
    query_params: dict[str, list[str]],
    request_id: str,
    resource_arn: str = "*",
    service_context: dict[str, Any] | None = None,
    auth_error_response: Any = None,
    named_resource: str = "",
) -> Response | None:
    def refusal(action: str, context: dict[str, Any] | None) -> Response | None:
        return original(
            service,
            action,
            headers,
            query_params,
            request_id,
            resource_arn,
            context,
            auth_error_response,
            named_resource,
        )

    refused = refusal(iam_action, service_context)
    if iam_action != _BY_URL:
        return refused
    return _forbidden() if refused or refusal(_BY_INVOKE, _VIA_URL) else None


def _forbidden() -> Response:
    headers = {
        "Content-Type": "application/json",
        "x-amzn-RequestId": str(uuid.uuid4()),
        "x-amzn-ErrorType": "AccessDeniedException",
    }
    return HTTPStatus.FORBIDDEN, headers, json.dumps({"Message": _FORBIDDEN}).encode()
