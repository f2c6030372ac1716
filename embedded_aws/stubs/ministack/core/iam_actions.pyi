from collections.abc import Mapping
from typing import Any

def _resource_policy_denial(service: str, action: str, principal_arn: str, resource_arn: str) -> str: ...
def access_denied_response(
    service: str,
    action: str,
    principal_arn: str,
    request_id: str,
    *,
    error_code: str = "",
    message: str = "",
    headers: Mapping[str, str] | None = None,
    resource_arn: str = "*",
    explicit_deny: bool = False,
    resource_policy_arn: str = "",
) -> tuple[int, dict[str, str], bytes]: ...
def extract_iam_action(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
) -> str | None: ...
def extract_resource_arn(
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    region: str,
    account_id: str,
) -> str: ...
def identity_denial_message(action: str, principal_arn: str, resource: str, explicit_deny: bool) -> str: ...
def request_tag_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]: ...
def s3_additional_checks(
    method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
) -> list[tuple[str, str]]: ...
def s3_service_context(
    iam_action: str,
    query_params: dict[str, list[str]] | None,
    path: str = "",
    headers: dict[str, str] | None = None,
) -> dict[str, Any]: ...
