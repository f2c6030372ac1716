from typing import Any

_NO_VALUE: object

def _evaluate_conditions(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]: ...
def _resolve_refs(
    value: Any,
    resources: dict[str, Any],
    params: dict[str, Any],
    conditions: dict[str, Any],
    mappings: dict[str, Any],
    stack_name: str,
    stack_id: str,
) -> Any: ...
