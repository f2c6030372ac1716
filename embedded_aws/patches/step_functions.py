"""Tasks of state machines that are left to services of ours; ministack knows the aws-sdk integration in part."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ministack.services import stepfunctions

from embedded_aws.patches.patching import Patches
from embedded_aws.services.task_integrations import Task, TaskError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.services.task_integrations import TaskIntegration

_PREFIX = "arn:aws:states:::"

_INTEGRATIONS: dict[str, TaskIntegration] = {}
_EXECUTION: ContextVar[Mapping[str, Any]] = ContextVar("execution")

patches = Patches()


def apply(integrations: Mapping[str, TaskIntegration], *, pace: float) -> None:
    """Leave tasks to these services, by service, or service and action, of a Resource; waits take `pace` of theirs."""
    _INTEGRATIONS.update(integrations)
    stepfunctions._SFN_WAIT_SCALE = pace
    patches.apply()


def machine_role() -> str:
    """Return the role of the state machine whose task is carried out."""
    machine = stepfunctions._state_machines.get(_EXECUTION.get()["stateMachineArn"]) or {}
    return str(machine.get("roleArn", ""))


@patches.wraps(stepfunctions._execute_task)
def _execute_task(
    original: Callable[..., Any],
    state_def: dict[str, Any],
    raw_input: Any,
    execution: Mapping[str, Any],
    ctx: Any,
) -> Any:
    token = _EXECUTION.set(execution)
    try:
        return original(state_def, raw_input, execution, ctx)
    finally:
        _EXECUTION.reset(token)


@patches.wraps(stepfunctions._invoke_resource)
def _invoke_resource(original: Callable[[str, Any], Any], resource: str, input_data: Any) -> Any:
    name = resource.removeprefix(_PREFIX)
    service, _, action = name.rpartition(":")
    integration = _INTEGRATIONS.get(name) or _INTEGRATIONS.get(service)
    if not resource.startswith(_PREFIX) or integration is None:
        return original(resource, input_data)
    execution = _EXECUTION.get()
    task = Task(
        resource=resource,
        action=action,
        parameters=input_data if isinstance(input_data, dict) else {},
        execution_arn=execution["executionArn"],
        role=machine_role(),
        is_wanted=lambda: execution["status"] == "RUNNING",
    )
    try:
        return integration(task)
    except TaskError as error:
        raise stepfunctions._ExecutionError(error.error, error.cause) from error
