"""What services do in a role's name, they do only if the role's policies let it; ministack asks nobody.

A state machine invokes functions as its role, a schedule its target as its own, and Lambda writes a function's log as
the function's role: one that may not leaves no log, and runs. Who makes or changes a schedule passes it its role. A
rule of EventBridge has a role for its target, or the policy of the function, queue or topic lets the rule in.
Sources: the guides of Step Functions ("IAM policies for integrated services"), EventBridge Scheduler ("Execution
role"), EventBridge ("Using resource-based policies") and Lambda ("Execution role"). What a schedule or a rule does that
may not is not told anywhere here but in the gateway's log; on AWS a metric counts it.
"""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.services import cloudwatch_logs, eventbridge, lambda_svc, sns, sqs, stepfunctions

from embedded_aws.patches import service_handlers
from embedded_aws.patches.iam_principals import caller, of_role, principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.patches.service_handlers import Response

log = logging.getLogger(__name__)

_MACHINE_ROLE: ContextVar[str] = ContextVar("machine_role", default="")
_TARGETS = {"lambda": "lambda:InvokeFunction", "sns": "sns:Publish", "sqs": "sqs:SendMessage"}


def ask_roles_of_services() -> None:
    """Let state machines, schedules, rules and functions do what their roles may."""
    _machines()
    _schedules_and_rules()
    _function_logs()
    service_handlers.before("scheduler", _passing)


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


def _schedules_and_rules() -> None:
    invoke = eventbridge._invoke_target

    def invoked(target: Mapping[str, Any], event: Mapping[str, Any], rule: Any, *view: Any) -> None:
        action = _TARGETS.get(target["Arn"].split(":")[2])
        service = "scheduler" if event.get("Source") == "aws.scheduler" else "events"
        refused = _refusal(action, target, service, rule) if action else None
        if refused:
            log.warning("The rule or schedule %s did not fire: %s", rule.get("Name"), refused)
            return
        invoke(target, event, rule, *view)

    eventbridge._invoke_target = invoked


def _refusal(action: str, target: Mapping[str, Any], service: str, rule: Mapping[str, Any]) -> str | None:
    arn = str(target["Arn"])
    if "RoleArn" in target:
        return of_role(target["RoleArn"], service).refusal(action, arn, {})
    asked = (arn, f"{service}.amazonaws.com", rule["Arn"], rule["Arn"].split(":")[4])
    match action:
        case "sqs:SendMessage":
            lets_in = sqs.queue_policy_allows(*asked)
        case "sns:Publish":
            lets_in = sns.topic_policy_allows(*asked)
        case _:
            lets_in = _function_lets_in(*asked)
    return None if lets_in else f"the policy of {arn} does not let {service}.amazonaws.com in for {rule['Arn']}"


def _function_lets_in(function: str, service: str, source: str, account: str) -> bool:
    found = lambda_svc.function_policy_for_arn(function)
    if found is None:
        return False
    asked = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function,
        region=caller()[1],
        service_context={"aws:sourcearn": source, "aws:sourceaccount": account},
    )
    return bool(iam_evaluator.evaluate_resource_policy(found[0], asked, service=service).decision == "Allow")


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
