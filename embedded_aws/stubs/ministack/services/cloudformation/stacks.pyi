from collections.abc import Coroutine
from typing import Any

from ministack.services.cloudformation.engine import _evaluate_conditions as _evaluate_conditions

def _create_stack_task_in_region(
    coro: Coroutine[Any, Any, Any], stack: dict[str, Any] | None, stack_id: str | None = None
) -> None: ...
async def _delete_stack_async(
    stack_name: str, stack_id: str, retain_resources: Any = (), force: bool = False
) -> None: ...
async def _deploy_stack_async(
    stack_name: str,
    stack_id: str,
    template: dict[str, Any],
    param_values: dict[str, Any],
    disable_rollback: bool,
    tags: list[Any],
    is_update: bool = False,
    previous_stack: dict[str, Any] | None = None,
    retain_except_on_create: bool = False,
    imports: dict[str, Any] | None = None,
) -> None: ...
def _failed_operation(
    is_update: bool,
    previous_stack: dict[str, Any] | None,
    created: list[str],
    failed_update: Any,
    failed_logical_id: str | None,
    replaced_ids: Any,
    cancelled: bool,
    template: dict[str, Any],
    param_values: dict[str, Any],
    retain_except_on_create: bool,
    stack_tags: list[Any],
    previous_tags: list[Any],
    imports: dict[str, Any] | None = None,
) -> dict[str, Any]: ...
async def _roll_back_operation(
    stack_name: str, stack_id: str, stack: dict[str, Any], operation: dict[str, Any], reason_override: str = ""
) -> None: ...
def _runs_on_worker_thread(resource_type: str) -> bool: ...
