"""API Gateway's REST APIs: reached by AWS's names, with access logs and metrics, and as large as AWS lets requests be.

ministack 1.5.33 answers for names of its own alone, validates bodies of every type by the model for JSON, and takes
requests of any size. What it leaves out of templates is in api_gateway_templates.py.

Sources. Names: API Gateway's guide, "Invoke REST APIs". Validation: "Request validation for REST APIs", by which a body
is not validated for which there is no model of its content type, but for that of `$default`. Sizes, with their answers,
which no gateway response changes: koki-develop/lgtm-generator#10, of an API behind which a Lambda function is; Lambda's
quotas have the 6,291,456 bytes. What can be in a line of an access log: "Variables for access logging for API Gateway";
one that has no value is "-". The account's role is taken away by a patch without a value, and an empty one is refused:
Terraform's provider, resource aws_api_gateway_account, of today and of version 4. Metrics: "Amazon API Gateway
dimensions and metrics". Not compared with AWS: the name of the log's stream, how quotes in a variable are written in a
log of JSON; and that the role is not asked whether it may write the log.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import ministack.app
from ministack.core.responses import get_account_id
from ministack.services import apigateway_v1 as rest
from ministack.services import cloudwatch, cloudwatch_logs

from embedded_aws import aws_names
from embedded_aws.patches import lambda_urls, patching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from embedded_aws.patches.service_handlers import Response

    Headers = dict[str, str]
    Query = dict[str, list[str]]

_HOST = re.compile(r"(?P<api>[a-z0-9]+)\.execute-api\.(?P<rest>[a-z0-9.-]+?)(?::\d+)?")
_LARGEST = 10_485_760  # bytes of a request
_TOO_LONG: Response = (
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    {"Content-Type": "application/json", "x-amzn-ErrorType": "BadRequestException"},
    b'{"message": "Request Too Long"}',
)
_ILL_FORMED = "The role ARN is not well formed"
_NAMESPACE = "AWS/ApiGateway"
_MOST_POINTS = 10_000  # of a metric, as of the others (cloudwatch.py)
_VARIABLE = re.compile(r"\$context\.([A-Za-z][\w.]*\w)")
_CLIENT_ERRORS, _SERVER_ERRORS = range(400, 500), range(500, 600)

patches = patching.Patches()


@dataclass
class _Request:
    """What is known of a request that is being answered: ministack's notes of it, and what kind of refusal it got."""

    notes: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""
    integration_seconds: float | None = None


_current: ContextVar[_Request] = ContextVar("request")


class _RequestTooLongError(Exception):
    """The function can't be called with so much."""


def apply() -> None:
    """Let REST APIs do so."""
    patches.apply()


@patches.wraps(ministack.app._parse_execute_api_url)
def _parse_execute_api_url(
    original: Callable[[str, str], tuple[str, str, str] | None], host: str, path: str
) -> tuple[str, str, str] | None:
    named = _HOST.fullmatch(host.lower())
    if named and aws_names.is_aws(named["rest"]):
        stage, _, rest_of_path = path.lstrip("/").partition("/")
        return named["api"], stage or "$default", f"/{rest_of_path}"
    return original(host, path)


@patches.wraps(rest._check_request_validation)
def _check_request_validation(
    original: Callable[..., Any],
    method_obj: dict[str, Any],
    api_id: str,
    request: dict[str, Any],
    headers: Headers,
    body: bytes,
    query_params: Query,
) -> Any:
    models = method_obj.get("requestModels") or {}
    content_type = (rest._header_ci(headers, "content-type") or "application/json").partition(";")[0].strip()
    model = models.get(content_type) or models.get("$default")
    alone = {"application/json": model} if model else {}
    return original({**method_obj, "requestModels": alone}, api_id, request, headers, body, query_params)


@patches.wraps(rest._update_account)
def _update_account(original: Callable[[dict[str, Any]], Response], data: dict[str, Any]) -> Response:
    for operation in data.get("patchOperations") or ():
        if operation.get("path") == "/cloudwatchRoleArn" and operation.get("value") == "":
            body = json.dumps({"message": _ILL_FORMED}).encode()
            headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "BadRequestException"}
            return HTTPStatus.BAD_REQUEST, headers, body
    return original(data)


@patches.wraps(rest._call_lambda_raw)
async def _call_lambda_raw(
    original: Callable[..., Awaitable[tuple[Any, str | None]]],
    function_ref: str,
    event: dict[str, Any],
    *,
    account_id: str | None = None,
    region: str | None = None,
) -> tuple[Any, str | None]:
    if lambda_urls.is_too_large(event):
        raise _RequestTooLongError
    began = time.monotonic()
    try:
        return await original(function_ref, event, account_id=account_id, region=region)
    finally:
        if request := _current.get(None):
            request.integration_seconds = time.monotonic() - began


@patches.wraps(rest._execute_in_scope)
async def _execute_in_scope(
    original: Callable[..., Awaitable[Any]],
    request: dict[str, Any],
    api_id: str,
    stage_name: str,
    method: str,
    path: str,
    headers: Headers,
    body: bytes,
    query_params: Query,
    owner_account_id: str,
    owner_region: str,
) -> Any:
    current = _current.get()
    current.notes = request
    try:
        answer = await original(
            request, api_id, stage_name, method, path, headers, body, query_params, owner_account_id, owner_region
        )
    except _RequestTooLongError:
        return _TOO_LONG
    if isinstance(answer, rest._GatewayError):
        current.refusal = answer.response_type
    return answer


@patches.wraps(rest._handle_execute_in_scope)
async def _handle_execute_in_scope(
    original: Callable[..., Awaitable[Response]],
    api_id: str,
    stage_name: str,
    method: str,
    path: str,
    headers: Headers,
    body: bytes,
    query_params: Query,
    owner_account_id: str,
    owner_region: str,
) -> Response:
    if len(body) > _LARGEST:
        text = f"HTTP content length exceeded {_LARGEST} bytes.".encode()
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"Content-Type": "text; charset=utf-8"}, text
    began = time.monotonic()
    token = _current.set(_Request())
    try:
        response = await original(
            api_id, stage_name, method, path, headers, body, query_params, owner_account_id, owner_region
        )
        current = _current.get()
    finally:
        _current.reset(token)
    stage = current.notes.get("stage")
    if stage is None:
        return response
    status, answered, content = response
    answered.setdefault("x-amzn-requestid", current.notes["request_id"])
    seconds = time.monotonic() - began
    _measure(api_id, stage, int(status), current, seconds)
    if settings := stage.get("accessLogSettings"):
        key = rest._resolve_api_key(rest._header_ci(headers, "x-api-key"))
        line = {
            "accountId": get_account_id(),
            "apiId": api_id,
            "error.responseType": current.refusal,
            "httpMethod": method,
            "identity.apiKeyId": key["id"] if key else "",
            "identity.sourceIp": "127.0.0.1",
            "identity.userAgent": rest._header_ci(headers, "user-agent"),
            "integrationLatency": _milliseconds(current.integration_seconds),
            "path": f"/{stage_name}{path}",
            "protocol": "HTTP/1.1",
            "requestId": current.notes["request_id"],
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
            "requestTimeEpoch": str(int(time.time() * 1000)),
            "resourcePath": current.notes["resource_path"],
            "responseLatency": _milliseconds(seconds),
            "responseLength": str(len(content)),
            "stage": stage_name,
            "status": str(int(status)),
        }
        _log(api_id, settings, line)
    return response


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else str(round(seconds * 1000))


def _log(api_id: str, settings: Mapping[str, str], line: Mapping[str, str]) -> None:
    """Write a line of the stage's access log, if its group is there and the account has a role to write it with."""
    role = (rest._account_settings.get("settings") or {}).get("cloudwatchRoleArn")
    group = settings["destinationArn"].partition(":log-group:")[2].partition(":")[0]
    if not role or group not in cloudwatch_logs._log_groups:
        return
    stream = uuid.uuid5(uuid.NAMESPACE_URL, f"{api_id}/{line['stage']}").hex
    cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    message = _VARIABLE.sub(lambda found: line.get(found[1], "") or "-", settings["format"])
    cloudwatch_logs._put_log_events(
        {
            "logGroupName": group,
            "logStreamName": stream,
            "logEvents": [{"timestamp": int(time.time() * 1000), "message": message}],
        }
    )


def _measure(api_id: str, stage: Mapping[str, Any], status: int, request: _Request, seconds: float) -> None:
    """Publish the metrics of a request, by API and by stage."""
    name = rest._rest_apis[api_id]["name"]
    latencies = {"Latency": seconds * 1000}
    if request.integration_seconds is not None:
        latencies["IntegrationLatency"] = request.integration_seconds * 1000
    counts = {"Count": 1.0, "4XXError": float(status in _CLIENT_ERRORS), "5XXError": float(status in _SERVER_ERRORS)}
    for dimensions in ({"ApiName": name}, {"ApiName": name, "Stage": stage["stageName"]}):
        for unit, values in (("Milliseconds", latencies), ("Count", counts)):
            for metric, value in values.items():
                cloudwatch._store_datum(_NAMESPACE, metric, dimensions, time.time(), unit, None, [value], [1.0], None)
                points = cloudwatch._metric_bucket((_NAMESPACE, metric, cloudwatch._dims_key(dimensions)))
                del points[:-_MOST_POINTS]
    cloudwatch._evaluate_all_alarms()
