from collections.abc import Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict

_AWS_SDK_ERROR_PREFIX: dict[str, str]
_AWS_SDK_SERVICE_MAP: dict[str, dict[str, Any]]
_SFN_WAIT_SCALE: float
_state_machines: AccountRegionScopedDict[dict[str, Any]]

Response = tuple[int, dict[str, str], bytes]

class _ExecutionError(Exception):
    def __init__(self, error: str, cause: str) -> None: ...

def _call_lambda(func_ref: str, event: Any) -> Any: ...
def _create_state_machine(data: dict[str, Any]) -> Response: ...
def _update_state_machine(data: dict[str, Any]) -> Response: ...
def _invoke_resource(resource: str, input_data: Any) -> Any: ...
def _execute_task(state_def: dict[str, Any], raw_input: Any, execution: Mapping[str, Any], ctx: Any) -> Any: ...
