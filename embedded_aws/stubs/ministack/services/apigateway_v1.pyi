from typing import Any

from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

_account_settings: AccountRegionScopedDict[dict[str, Any]]
_resources: AccountRegionScopedDict[dict[str, dict[str, Any]]]
_rest_apis: AccountRegionScopedDict[dict[str, Any]]
_stages_v1: AccountRegionScopedDict[dict[str, dict[str, Any]]]

class _GatewayError:
    response_type: str

async def _call_lambda_raw(
    function_ref: str, event: dict[str, Any], *, account_id: str | None = None, region: str | None = None
) -> tuple[Any, str | None]: ...
def _check_request_validation(
    method_obj: dict[str, Any],
    api_id: str,
    request: dict[str, Any],
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
) -> Any: ...
async def _execute_in_scope(
    request: dict[str, Any],
    api_id: str,
    stage_name: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    owner_account_id: str,
    owner_region: str,
) -> Any: ...
async def _handle_execute_in_scope(
    api_id: str,
    stage_name: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    owner_account_id: str,
    owner_region: str,
) -> tuple[int, dict[str, str], bytes]: ...
def _header_ci(headers: dict[str, str], name: str) -> str: ...
def _resolve_api_key(value: str) -> dict[str, Any] | None: ...
def _create_request_validator(api_id: str, data: dict[str, Any]) -> tuple[int, dict[str, str], bytes]: ...
def _delete_request_validator(api_id: str, validator_id: str) -> tuple[int, dict[str, str], bytes]: ...
def _update_request_validator(
    api_id: str, validator_id: str, data: dict[str, Any]
) -> tuple[int, dict[str, str], bytes]: ...
def _update_account(data: dict[str, Any]) -> tuple[int, dict[str, str], bytes]: ...
