from typing import Any

def deliver_response(token: str, response: dict[str, Any]) -> bool: ...
def invoke_custom_resource(
    request_type: str,
    logical_id: str,
    props: dict[str, Any],
    stack_name: str,
    stack_id: str,
    resource_type: str,
    physical_id: str | None = None,
    old_props: dict[str, Any] | None = None,
) -> tuple[str, dict[str, Any]]: ...
