from typing import Any

_BLOB_REF_KEY: str

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
