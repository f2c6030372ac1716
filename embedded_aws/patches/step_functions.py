"""Tasks of state machines that are left to services of ours; ministack knows the aws-sdk integration alone.

Where policies are enforced, who makes or changes a state machine with a task that waits for a job of SageMaker's needs
a role that may have Step Functions' rule for its events: "is not authorized to create managed-rule" is AWS's
(serverless-operations/serverless-step-functions#385), the rules' names are in the CDK's and Step Functions' policies.
Here the rule itself is not made, and one that CloudFormation makes is not asked about.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions

from embedded_aws.patches.iam_principals import caller, of_role
from embedded_aws.patches.patching import Patches
from embedded_aws.services.task_integrations import Task, TaskError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.patches.service_handlers import Response
    from embedded_aws.services.task_integrations import TaskIntegration

_PREFIX = "arn:aws:states:::"
_WAITS = re.compile(re.escape(_PREFIX) + r"sagemaker:create(\w+)Job\.sync")
_RULE_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
_RULE = "StepFunctionsGetEventsForSageMaker{}JobsRule"
_RULE_NAMES = {"HyperParameterTuning": "Tuning"}

_INTEGRATIONS: dict[str, TaskIntegration] = {}
_EXECUTION: ContextVar[Mapping[str, Any]] = ContextVar("execution")

patches, enforced = Patches(), Patches()


def apply(integrations: Mapping[str, TaskIntegration]) -> None:
    """Leave tasks to these services, by their names in a task's Resource."""
    _INTEGRATIONS.update(integrations)
    patches.apply()


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
    service, _, action = resource.removeprefix(_PREFIX).partition(":")
    if not resource.startswith(_PREFIX) or service not in _INTEGRATIONS:
        return original(resource, input_data)
    execution = _EXECUTION.get()
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
    task = Task(
        resource=resource,
        action=action,
        parameters=input_data if isinstance(input_data, dict) else {},
        execution_arn=execution["executionArn"],
        role=machine.get("roleArn", ""),
        is_wanted=lambda: execution["status"] == "RUNNING",
    )
    try:
        return _INTEGRATIONS[service](task)
    except TaskError as error:
        raise stepfunctions._ExecutionError(error.error, error.cause) from error


@enforced.wraps(stepfunctions._create_state_machine)
def _create_state_machine(original: Callable[[dict[str, Any]], Response], data: dict[str, Any]) -> Response:
    return _refused(data.get("roleArn", ""), data.get("definition", "")) or original(data)


@enforced.wraps(stepfunctions._update_state_machine)
def _update_state_machine(original: Callable[[dict[str, Any]], Response], data: dict[str, Any]) -> Response:
    before = stepfunctions._state_machines.get(data.get("stateMachineArn", "")) or {}
    asked = [data.get(name) or before.get(name, "") for name in ("roleArn", "definition")]
    return _refused(*asked) or original(data)


def _refused(role: str, definition: str) -> Response | None:
    if not role.startswith("arn:"):
        return None  # which is refused for that
    account, region = caller()
    for kind in sorted(set(_WAITS.findall(definition))):
        rule = f"arn:aws:events:{region}:{account}:rule/{_RULE.format(_RULE_NAMES.get(kind, kind))}"
        if any(of_role(role, "states").refusal(action, rule, {}) for action in _RULE_ACTIONS):
            return error_response_json("AccessDeniedException", f"'{role}' is not authorized to create managed-rule.")
    return None
