"""What services do in a role's name, they do only if the role's policies let it; ministack asks nobody.

A state machine invokes functions as its role, a schedule its target as its own, and Lambda writes a function's log as
the function's role: one that may not leaves no log, and runs. Who makes or changes a schedule passes it its role.
Sources: the guides of Step Functions ("IAM policies for integrated services"), EventBridge Scheduler ("Execution role")
and Lambda ("Execution role"). What a schedule does that may not is not told anywhere here but in the gateway's log; on
AWS a metric counts it.
"""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch_logs, eventbridge, lambda_svc, stepfunctions

from emulator.hooks import services
from emulator.hooks.principals import caller, of_role, principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.hooks.services import Response

log = logging.getLogger(__name__)

_MACHINE_ROLE: ContextVar[str] = ContextVar("machine_role", default="")
_TARGETS = {"lambda": "lambda:InvokeFunction", "sns": "sns:Publish", "sqs": "sqs:SendMessage"}


def ask_roles_of_services() -> None:
    """Let state machines, schedules and functions do what their roles may."""
    _machines()
    _schedules()
    _function_logs()
    services.before("scheduler", _passing)


def _machines() -> None:
    execute, call = stepfunctions._execute_task, stepfunctions._call_lambda

    def executed(state: Any, given: Any, execution: Mapping[str, Any], context: Any) -> Any:
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
        token = _MACHINE_ROLE.set(machine.get("roleArn", ""))
        try:
            return execute(state, given, execution, context)
        finally:
            _MACHINE_ROLE.reset(token)

    def called(function: str, event: Any) -> Any:
        refused = of_role(_MACHINE_ROLE.get(), "states").refusal("lambda:InvokeFunction", _function(function), {})
        if refused:
            raise stepfunctions._ExecutionError("Lambda.AWSLambdaException", refused)
        return call(function, event)

    stepfunctions._execute_task = executed
    stepfunctions._call_lambda = called


def _function(reference: str) -> str:
    account, region = caller()
    return reference if reference.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{reference}"


def _schedules() -> None:
    invoke = eventbridge._invoke_target

    def invoked(target: Mapping[str, Any], event: Mapping[str, Any], rule: Any, *view: Any) -> None:
        action = _TARGETS.get(target["Arn"].split(":")[2])
        if event.get("Source") == "aws.scheduler" and action:
            refused = of_role(target["RoleArn"], "scheduler").refusal(action, target["Arn"], {})
            if refused:
                log.warning("The schedule %s did not fire: %s", rule.get("Name"), refused)
                return
        invoke(target, event, rule, *view)

    eventbridge._invoke_target = invoked


def _function_logs() -> None:
    write = lambda_svc._emit_lambda_logs

    def written(function: Mapping[str, Any], *arguments: Any, **options: Any) -> None:
        config = function.get("config") or function
        role = of_role(config["Role"], config["FunctionName"])
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
        if group not in cloudwatch_logs._log_groups:
            actions.append("logs:CreateLogGroup")
        account, region = caller()
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{config.get('Version', '$LATEST')}]"
        arn = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"
        if all(role.refusal(action, arn, {}) is None for action in actions):
            write(function, *arguments, **options)

    lambda_svc._emit_lambda_logs = written


def _passing(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response | None:
    who = principal(headers, query)
    if who and method in ("POST", "PUT") and path.startswith("/schedules/"):
        role = json.loads(body).get("Target", {}).get("RoleArn", "")
        if who.refusal("iam:PassRole", role, {"iam:PassedToService": "scheduler.amazonaws.com"}):
            return who.denied("scheduler", "iam:PassRole", headers, role)
    return None
