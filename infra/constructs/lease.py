"""The lab's lease: the function that ends the lab, and what starts it at the lease's end, in the account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs import statements, teardown_policy
from infra.constructs.arns import account, arn
from infra.constructs.findings import acknowledge
from infra.constructs.handler_function import HandlerFunction, HandlerRole, handlers_code
from infra.constructs.log_group import LogGroup
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.constructs.notices import Notices
    from infra.constructs.statements import Statement
    from infra.lease_term import LeaseTerm

# One invocation works for 50 seconds, and 10 more for late logs; the rest is for a call that takes long.
_TIMEOUT = Duration.minutes(3)


class Lease(Construct):
    """Ends the lab by itself; `end` is when, as the deployment has worked it out, `function_name` what ends it.

    `least_seconds` is what a lease has to last at least.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        lab: str,
        term: LeaseTerm,
        least_seconds: int,
        notices: Notices,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._code = handlers_code()
        self._logs = LogGroup(self, "Logs", key=notices.key, retention_days=log_retention_days)
        teardown = self._function(
            "Teardown", "handler.on_schedule", [*teardown_policy.statements(lab), *notices.publish()]
        )
        invoker = self._may_invoke(teardown)
        may_pass = statements.pass_role(invoker.role_arn, to="scheduler.amazonaws.com")
        # UpdateSchedule, which slows a teardown down that is stuck, passes the role anew. It is a policy of its own:
        # the role that is passed may invoke the function, and so is made after it.
        assert teardown.role  # noqa: S101 - _function has given it one
        iam.Policy(self, "TeardownMayPass", roles=[teardown.role], document=statements.document([may_pass]))
        schedules = [
            arn("scheduler", f"schedule/default/{name}")
            for name in (names.lease_end_schedule(lab), names.lease_warning_schedule(lab))
        ]
        actions = ["CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule"]
        resource = self._function(
            "Resource",
            "resource.handler",
            [statements.allow([f"scheduler:{action}" for action in actions], schedules), may_pass],
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
            # A function that ended without an answer would be waited for, for an hour by default.
            service_timeout=_TIMEOUT.plus(Duration.minutes(1)),
            service_token=resource.function_arn,
        )
        self.end = lease.get_att_string("End")
        self.function_name = teardown.function_name
        acknowledge(self, teardown_policy.wildcards(lab))

    def _function(self, construct_id: str, entry: str, allowed: Sequence[Statement]) -> HandlerFunction:
        role = HandlerRole(self, f"{construct_id}Role", log_group=self._logs, statements=allowed)
        return HandlerFunction(
            self,
            construct_id,
            code=self._code,
            handler="lease",
            entry=entry,
            role=role,
            log_group=self._logs,
            timeout=_TIMEOUT,
        )

    def _may_invoke(self, function: HandlerFunction) -> iam.Role:
        """Return the role that the schedules invoke the function with."""
        invoke = statements.allow(["lambda:InvokeFunction"], [function.function_arn])
        return iam.Role(
            self,
            "SchedulerRole",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": account()}}
            ),
            inline_policies={"lab": statements.document([invoke])},
        )


def _seconds(term: LeaseTerm) -> str:
    assert term.duration  # noqa: S101 - a lease has either of the two
    return str(int(term.duration.total_seconds()))
