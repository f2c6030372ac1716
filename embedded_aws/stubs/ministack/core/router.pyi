from collections.abc import Mapping
from typing import Any

SERVICE_PATTERNS: dict[str, dict[str, Any]]
_BUILTIN_HOST_SUFFIXES: tuple[str, ...]

def _is_aws_service_name(scope_name: str) -> bool: ...
def extract_access_key_id(headers: Mapping[str, str], query_params: Mapping[str, list[str]] | None = None) -> str: ...
