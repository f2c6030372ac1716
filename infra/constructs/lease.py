"""The lab's lease: the function that ends the lab, and what starts it at the lease's end, in the account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs import teardown_policy
from infra.constructs.arns import account, arn
from infra.constructs.findings import acknowledge
from infra.constructs.log_group import LogGroup
from infra.constructs.provider import HANDLERS, handlers_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.constructs.notices import Notices
    from infra.lease import Lease as Term

# One invocation works for 50 seconds, and 10 more for late logs; the rest is for a call that takes long.
_TIMEOUT = Duration.minutes(3)


class Lease(Construct):
    """Ends the lab by itself; `end` is when, as the deployment has worked it out.

    `least_seconds` is what a lease has to last at least.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        lab: str,
        term: Term,
        least_seconds: int,
        notices: Notices,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._lab = lab
        self._logs = LogGroup(self, "Logs", retention_days=log_retention_days)
        teardown = self._function(
            "Teardown", "handler.on_schedule", [*teardown_policy.statements(lab), *notices.publish()]
        )
        invoker = self._may_invoke(teardown)
        may_pass = iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[invoker.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        )
        # UpdateSchedule, which slows a teardown down that is stuck, passes the role anew. It is a policy of its own:
        # the role that is passed may invoke the function, and so is made after it.
        assert teardown.role  # noqa: S101 - _function has given it one
        iam.Policy(self, "TeardownMayPass", roles=[teardown.role], statements=[may_pass])
        schedules = [arn("scheduler", f"schedule/default/{lab}-lease-{what}") for what in ("end", "warning")]
        actions = ["CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule"]
        resource = self._function(
            "Resource",
            "lease_resource.handler",
            [
                iam.PolicyStatement(actions=[f"scheduler:{action}" for action in actions], resources=schedules),
                may_pass,
            ],
        )
        until = f"{term.until:%Y-%m-%dT%H:%M:%SZ}" if term.until else None
        lease = CustomResource(
            self,
            "Lease",
            properties={
                "Lab": lab,
                **({"Until": until} if until else {"Seconds": _seconds(term)}),
                "LeastSeconds": str(least_seconds),
                "Arn": teardown.function_arn,
                "RoleArn": invoker.role_arn,
                "Topic": notices.topic.topic_arn,
            },
            removal_policy=RemovalPolicy.DESTROY,
            resource_type="Custom::Lease",
            service_timeout=Duration.minutes(2),
            service_token=resource.function_arn,
        )
        self.end = lease.get_att_string("End")
        acknowledge(self, teardown_policy.wildcards(lab))

    def _function(self, construct_id: str, entry: str, statements: Sequence[iam.PolicyStatement]) -> lambda_.Function:
        write_logs = iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[self._logs.log_group_arn]
        )
        role = iam.Role(
            self,
            f"{construct_id}Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"lab": iam.PolicyDocument(statements=[write_logs, *statements])},
        )
        return lambda_.Function(
            self,
            construct_id,
            code=handlers_code(),
            description=f"{self._lab}: teardown.{entry}",
            handler=f"{HANDLERS.name}.teardown.{entry}",
            log_group=self._logs,
            memory_size=256,
            role=role,
            runtime=lambda_.Runtime.PYTHON_3_14,
            timeout=_TIMEOUT,
        )

    def _may_invoke(self, function: lambda_.IFunction) -> iam.Role:
        """What the schedules invoke the function with."""
        invoke = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn])
        return iam.Role(
            self,
            "SchedulerRole",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": account()}}
            ),
            inline_policies={"lab": iam.PolicyDocument(statements=[invoke])},
        )


def _seconds(term: Term) -> str:
    assert term.duration  # noqa: S101 - a lease has either of the two
    return str(int(term.duration.total_seconds()))
