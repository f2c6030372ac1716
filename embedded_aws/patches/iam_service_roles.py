"""What services do in a role's name, they do only if the role's policies let it; ministack asks nobody.

A state machine invokes functions as its role, a schedule its target as its own, and Lambda writes a function's log as
the function's role: one that may not leaves no log, and runs. Who makes or changes a schedule passes it its role. A
rule of EventBridge has a role for its target, or the policy of the function, queue or topic lets the rule in.
Sources: the guides of Step Functions ("IAM policies for integrated services"), EventBridge Scheduler ("Execution
role"), EventBridge ("Using resource-based policies") and Lambda ("Execution role"). What a schedule or a rule does that
may not is not told anywhere here but in the gateway's log; on AWS a metric counts it.
Who makes or changes a state machine with a task that waits for a job of SageMaker's needs a role that may have Step
Functions' rule for its events: "is not authorized to create managed-rule" is AWS's
(serverless-operations/serverless-step-functions#385), the rules' names are in the CDK's and Step Functions' policies.
Here the rule itself is not made. What a stack shows of it: aws-samples/amazon-sagemaker-safe-deployment-pipeline#29.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json
from ministack.services import cloudwatch_logs, eventbridge, lambda_svc, sns, sqs, stepfunctions
from ministack.services.cloudformation import provisioners

from embedded_aws.patches import cloudformation, service_handlers
from embedded_aws.patches.iam_principals import caller, of_role, principal
from embedded_aws.patches.patching import Patches
from embedded_aws.patches.step_functions import machine_role
from embedded_aws.services.cloudformation_types import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.patches.service_handlers import Response

log = logging.getLogger(__name__)

_WAITS = re.compile(r"arn:aws:states:::sagemaker:create(\w+)Job\.sync")
_MACHINE = "AWS::StepFunctions::StateMachine"
_DENIED = "AccessDeniedException"
_RULE_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
_RULE = "StepFunctionsGetEventsForSageMaker{}JobsRule"
_RULE_NAMES = {"HyperParameterTuning": "Tuning"}
_TARGETS = {
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "states": "states:StartExecution",
}


enforced = Patches()


def enforce() -> None:
    """Let state machines, schedules, rules and functions do what their roles may."""
    enforced.apply()
    cloudformation.wrap_type(_MACHINE, "create", _create_of_a_template)
    cloudformation.wrap_type(_MACHINE, "update", _update_of_a_template)
    service_handlers.intercept("scheduler", _refuse_passing)


@enforced.wraps(stepfunctions._call_lambda)
def _call_lambda(original: Callable[[str, Any], Any], func_ref: str, event: Any) -> Any:
    refused = of_role(machine_role(), "states").refusal("lambda:InvokeFunction", _function(func_ref), {})
    if refused:
        raise stepfunctions._ExecutionError("Lambda.AWSLambdaException", refused)
    return original(func_ref, event)


def _function(reference: str) -> str:
    account, region = caller()
    return reference if reference.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{reference}"


@enforced.wraps(stepfunctions._create_state_machine)
def _create_state_machine(original: Callable[[dict[str, Any]], Response], data: dict[str, Any]) -> Response:
    refused = _refused_rule(data.get("roleArn", ""), data.get("definition", ""))
    return error_response_json(_DENIED, refused) if refused else original(data)


@enforced.wraps(stepfunctions._update_state_machine)
def _update_state_machine(original: Callable[[dict[str, Any]], Response], data: dict[str, Any]) -> Response:
    before = stepfunctions._state_machines.get(data.get("stateMachineArn", "")) or {}
    asked = [data.get(name) or before.get(name, "") for name in ("roleArn", "definition")]
    refused = _refused_rule(*asked)
    return error_response_json(_DENIED, refused) if refused else original(data)


def _create_of_a_template(
    original: Callable[..., Any], logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> Any:
    _check_template_rule(properties)
    return original(logical_id, properties, stack_name)


def _update_of_a_template(
    original: Callable[..., Any],
    name: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    stack_name: str,
    *logical_id: str,
) -> Any:
    _check_template_rule(new)
    return original(name, old, new, stack_name, *logical_id)


def _check_template_rule(properties: Mapping[str, Any]) -> None:
    """Raise ProvisioningError if a template's state machine may not have the rule that it needs."""
    refused = _refused_rule(properties.get("RoleArn", ""), provisioners._sfn_definition(properties))
    if refused:
        raise ProvisioningError(
            f'Resource handler returned message: "{refused} (Service: AWSStepFunctions; Status Code: 400; Error Code: '
            f'{_DENIED}; Request ID: {uuid.uuid4()}; Proxy: null)" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: '
            "AccessDenied)"
        )


def _refused_rule(role: str, definition: str) -> str | None:
    """Say that a role may not have the rule for the jobs that a state machine waits for; None if it may."""
    if not role.startswith("arn:"):
        return None  # which is refused for that
    account, region = caller()
    for kind in sorted(set(_WAITS.findall(definition))):
        rule = f"arn:aws:events:{region}:{account}:rule/{_RULE.format(_RULE_NAMES.get(kind, kind))}"
        if any(of_role(role, "states").refusal(action, rule, {}) for action in _RULE_ACTIONS):
            return f"'{role}' is not authorized to create managed-rule."
    return None


@enforced.wraps(eventbridge._invoke_target)
def _invoke_target(
    original: Callable[..., None], target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
) -> None:
    action = _TARGETS.get(target["Arn"].split(":")[2])
    service = "scheduler" if event.get("Source") == "aws.scheduler" else "events"
    refused = _refusal(action, target, service, rule) if action else None
    if refused:
        log.warning("The rule or schedule %s did not fire: %s", rule.get("Name"), refused)
        return
    original(target, event, rule, view)


def _refusal(action: str, target: Mapping[str, Any], service: str, rule: Mapping[str, Any]) -> str | None:
    arn = str(target["Arn"])
    if "RoleArn" in target:  # a state machine, which has no policy of its own, is started with one only
        return of_role(target["RoleArn"], service).refusal(action, arn, {})
    asked = (arn, f"{service}.amazonaws.com", rule["Arn"], rule["Arn"].split(":")[4])
    match action:
        case "sqs:SendMessage":
            lets_in = sqs.queue_policy_allows(*asked)
        case "states:StartExecution":
            lets_in = False
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
    return iam_evaluator.evaluate_resource_policy(found[0], asked, service=service).decision == "Allow"


@enforced.wraps(lambda_svc._emit_lambda_logs)
def _emit_lambda_logs(original: Callable[..., None], func: dict[str, Any], *log_lines: Any, **how: Any) -> None:
    config = func.get("config") or func
    role = of_role(config["Role"], config["FunctionName"])
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    if group not in cloudwatch_logs._log_groups:
        actions.append("logs:CreateLogGroup")
    account, region = caller()
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[{config.get('Version', '$LATEST')}]"
    arn = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"
    if all(role.refusal(action, arn, {}) is None for action in actions):
        original(func, *log_lines, **how)


def _refuse_passing(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response | None:
    who = principal(headers, query)
    if who and method in ("POST", "PUT") and path.startswith("/schedules/"):
        role = json.loads(body).get("Target", {}).get("RoleArn", "")
        if who.refusal("iam:PassRole", role, {"iam:PassedToService": "scheduler.amazonaws.com"}):
            return who.denied("scheduler", "iam:PassRole", headers, role)
    return None
