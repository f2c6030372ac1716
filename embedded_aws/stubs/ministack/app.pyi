from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

_Response: TypeAlias = tuple[int, dict[str, str], bytes]
_Handler: TypeAlias = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[_Response]]
_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]

SERVICE_HANDLERS: dict[str, _Handler]
SERVICE_REGISTRY: dict[str, dict[str, Any]]
_state_map: dict[str, str]

class _IncompleteRequestBody(Exception): ...
class _RequestBodyDisconnected(Exception): ...

def _get_module(name: str) -> Any: ...
def _asgi_header_list(headers: dict[str, Any]) -> list[tuple[bytes, bytes]]: ...
def _decode_aws_chunked_body(body: Any, headers: dict[str, str]) -> bytes: ...
async def _handle_pre_body_request(
    method: str, path: str, headers: dict[str, str], query_params: dict[str, list[str]], request_id: str
) -> Any: ...
async def _read_request_body(receive: _Receive, method: str, headers: dict[str, str]) -> bytes: ...
async def _send_response(
    send: _Send, status: int, headers: dict[str, Any], body: Any, *, head: bool = False
) -> None: ...
async def app(scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None: ...
def detect_service(method: str, path: str, headers: dict[str, str], query_params: dict[str, list[str]]) -> str: ...
def fix_error_content_type(service: str, status: int, headers: dict[str, str]) -> None: ...
def fix_success_content_type(service: str, status: int, headers: dict[str, str]) -> None: ...
def _parse_execute_api_url(host: str, path: str) -> tuple[str, str, str] | None: ...
async def _handle_execute_api_request(
    host: str,
    path: str,
    method: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    raw_path: str | None = None,
    raw_query_string: str | None = None,
) -> _Response | None: ...
def _enforce_data_plane(
    service: str,
    iam_action: str,
    headers: dict[str, str],
    query_params: dict[str, list[str]],
    request_id: str,
    resource_arn: str = "*",
    service_context: dict[str, Any] | None = None,
    auth_error_response: Any = None,
    named_resource: str = "",
) -> _Response | None: ...
