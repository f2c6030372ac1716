"""A log group that is the stack's own: it keeps for as long as it should, encrypted, and goes with the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct


class LogGroup(logs.LogGroup):
    """A log group with a retention in days, encrypted with a key whose policy names it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        retention_days: int,
        log_group_name: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption_key=key,
            log_group_name=log_group_name,
            removal_policy=RemovalPolicy.DESTROY,
        )
        # The CDK's enum has a name for each number of days; CloudFormation takes the number.
        cast("logs.CfnLogGroup", self.node.default_child).retention_in_days = retention_days
