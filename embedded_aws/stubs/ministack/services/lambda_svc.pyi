from typing import Any

def _emit_lambda_logs(
    func: dict[str, Any],
    request_id: str,
    log_text: str,
    error: bool,
    duration_ms: int,
    *,
    log_source: str | None = None,
) -> None: ...
def function_policy_for_arn(resource_arn: str) -> tuple[dict[str, Any], str] | None: ...
