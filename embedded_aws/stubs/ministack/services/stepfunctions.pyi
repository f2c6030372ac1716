from collections.abc import Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict

_AWS_SDK_ERROR_PREFIX: dict[str, str]
_AWS_SDK_SERVICE_MAP: dict[str, dict[str, Any]]
_state_machines: AccountRegionScopedDict[dict[str, Any]]

class _ExecutionError(Exception):
    def __init__(self, error: str, cause: str) -> None: ...

def _call_lambda(func_ref: str, event: Any) -> Any: ...
def _execute_task(state_def: dict[str, Any], raw_input: Any, execution: Mapping[str, Any], ctx: Any) -> Any: ...
