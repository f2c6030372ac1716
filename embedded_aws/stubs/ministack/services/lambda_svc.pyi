from typing import Any

_BLOB_REF_KEY: str

def _build_function_url_event(
    url_id: str,
    account_id: str,
    region: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    source_ip: str = "127.0.0.1",
    anonymous: bool = False,
    trace_root: str = "",
) -> dict[str, Any]: ...
def _emit_lambda_logs(
    func: dict[str, Any],
    request_id: str,
    log_text: str,
    error: bool,
    duration_ms: int,
    *,
    log_source: str | None = None,
) -> None: ...
def _layer_content_url(layer_name: str, version: int) -> str: ...
def _presigned_code_url(func_name: str) -> str: ...
def _prune_orphan_code_blobs(referenced: set[str]) -> None: ...
def function_policy_for_arn(resource_arn: str) -> tuple[dict[str, Any], str] | None: ...
async def handle_function_url_request(
    url_id: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    resolved: tuple[Any, ...] | None = None,
    source_ip: str | None = None,
) -> tuple[int, dict[str, str], bytes]: ...
