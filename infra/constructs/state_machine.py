"""A state machine of Step Functions in JSONata, its role, its log, and the rules of EventBridge that start it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from infra.constructs import statements
from infra.constructs.arns import account, arn
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.log_group import LogGroup
from infra.constructs.statements import allow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_kms as kms

    from infra.constructs.statements import Statement

State = dict[str, Any]
# Source: Step Functions' guide, "Logging using CloudWatch Logs": none of these has a resource to name.
_LOG_DELIVERY = (
    "CreateLogDelivery",
    "DeleteLogDelivery",
    "DescribeLogGroups",
    "DescribeResourcePolicies",
    "GetLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "UpdateLogDelivery",
)
# Source: Step Functions' guide, "X-Ray and Step Functions"; these have none either.
_TRACING = ("GetSamplingRules", "GetSamplingTargets", "PutTelemetryRecords", "PutTraceSegments")


class StateMachine(Construct):
    """Runs `states` from `start`, as a role that may do what `may` says; logs every step and traces it.

    `arn` is made of its name, so that its own states can name it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        start: str,
        states: Mapping[str, State],
        seconds: int,
        may: Sequence[Statement],
        key: kms.IKey,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.arn = arn("states", f"stateMachine:{name}")
        self.execution_arn = arn("states", f"execution:{name}:*")
        logs = LogGroup(self, "Logs", key=key, retention_days=log_retention_days)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=_service("states.amazonaws.com"),
            description=f"What the state machine {name} may do",
            inline_policies={
                "lab": statements.document(
                    [
                        *may,
                        allow([f"logs:{action}" for action in _LOG_DELIVERY], ["*"]),
                        allow([f"xray:{action}" for action in _TRACING], ["*"]),
                    ]
                )
            },
        )
        acknowledge(
            self.role,
            {wildcard("*"): "Deliveries of logs and X-Ray's segments have no resource to name."},
        )
        machine = stepfunctions.CfnStateMachine(
            self,
            "Machine",
            definition_string=Stack.of(self).to_json_string(
                {"QueryLanguage": "JSONata", "StartAt": start, "TimeoutSeconds": seconds, "States": dict(states)}
            ),
            logging_configuration=stepfunctions.CfnStateMachine.LoggingConfigurationProperty(
                destinations=[
                    stepfunctions.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=stepfunctions.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=logs.log_group_arn
                        )
                    )
                ],
                include_execution_data=True,
                level="ALL",
            ),
            role_arn=self.role.role_arn,
            state_machine_name=name,
            tracing_configuration=stepfunctions.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        machine.node.add_dependency(self.role)
        starter = iam.Role(
            self,
            "StarterRole",
            assumed_by=_service("events.amazonaws.com"),
            description=f"What starts the state machine {name}",
            inline_policies={"lab": statements.document([allow(["states:StartExecution"], [machine.attr_arn])])},
        )
        self._target = events.CfnRule.TargetProperty(arn=machine.attr_arn, id="Machine", role_arn=starter.role_arn)

    def start_at(self, construct_id: str, *, description: str, pattern: Mapping[str, Any]) -> None:
        """Start it at every event of this pattern, which becomes its input."""
        events.CfnRule(self, construct_id, description=description, event_pattern=dict(pattern), targets=[self._target])


def expression(jsonata: str) -> str:
    """Return what Step Functions evaluates."""
    return f"{{% {jsonata} %}}"


def task(resource: str, arguments: Mapping[str, Any], to: str, **more: Any) -> State:
    """Return a state that carries out a task, such as "aws-sdk:ssm:getParameter", and goes on to the state `to`."""
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": dict(arguments), "Next": to}
    return {**state, **more}


def catch(to: str, *errors: str) -> State:
    """Return where to go on after these errors, any if none is named; `$error` tells of it there."""
    return {
        "ErrorEquals": list(errors) or ["States.ALL"],
        "Assign": {"error": expression("$states.errorOutput")},
        "Next": to,
    }


def choice(default: str, **conditions: str) -> State:
    """Return a state that goes on to the first state whose condition holds."""
    rules = [{"Condition": expression(condition), "Next": state} for state, condition in conditions.items()]
    return {"Type": "Choice", "Choices": rules, "Default": default}


def note(to: str, **values: Any) -> State:
    """Return a state that only assigns variables."""
    return {"Type": "Pass", "Assign": values, "Next": to}


def wait(to: str, seconds: Any) -> State:
    """Return a state that waits."""
    return {"Type": "Wait", "Seconds": seconds, "Next": to}


def _service(name: str) -> Any:
    return iam.ServicePrincipal(name).with_conditions({"StringEquals": {"aws:SourceAccount": account()}})
