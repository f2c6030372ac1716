from collections.abc import Callable
from typing import Any, TypeAlias

from ministack.services.cloudformation.engine import _evaluate_conditions as _evaluate_conditions
from ministack.services.cloudformation.stacks import _delete_stack_async as _delete_stack_async
from ministack.services.cloudformation.stacks import _deploy_stack_async as _deploy_stack_async
from ministack.services.cloudformation.stacks import _roll_back_operation as _roll_back_operation

_Response: TypeAlias = tuple[int, dict[str, str], bytes]

_ACTION_HANDLERS: dict[str, Callable[[dict[str, list[str]]], _Response]]

def _capabilities_enforced() -> bool: ...
def _resolve_stack(stack_name: str) -> dict[str, Any] | None: ...
