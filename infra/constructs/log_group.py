"""A log group that is the stack's own, so that it keeps for as long as it should and goes with the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

if TYPE_CHECKING:
    from constructs import Construct


class LogGroup(logs.LogGroup):
    """A log group with a retention in days."""

    def __init__(
        self, scope: Construct, construct_id: str, *, retention_days: int, log_group_name: str | None = None
    ) -> None:
        super().__init__(scope, construct_id, log_group_name=log_group_name, removal_policy=RemovalPolicy.DESTROY)
        # The CDK's enum has a name for each number of days; CloudFormation takes the number.
        cast("logs.CfnLogGroup", self.node.default_child).retention_in_days = retention_days
