"""The operations stack: what the lab may cost, how long it stands, and who hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Stack, Token

from infra.constructs.alarms import Alarm
from infra.constructs.budget import Budget
from infra.constructs.lease import Lease
from infra.constructs.notices import Notices
from infra.regions import ACCEPTED, BUDGET
from teardown import names

if TYPE_CHECKING:
    from constructs import Construct

    from infra.settings import Settings


class OperationsStack(Stack):
    """Reads nothing of the other stacks, for it ends them: it is the last to go. They may tell its topic."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, **stack: Any) -> None:
        super().__init__(scope, construct_id, description=f"{settings.name}: lease, budget and notices", **stack)
        self.notices = notices = Notices(self, "Notices", lab=settings.name, addresses=settings.notify)
        # Exported whether or not the lab retrains: CloudFormation takes no export away that another stack imports.
        for value in (notices.topic.topic_arn, notices.key.key_arn):
            self.export_value(value)
        CfnOutput(self, "NoticesTopicArn", value=notices.topic.topic_arn, description="Hears of the lease and the cost")
        if settings.budget and (Token.is_unresolved(self.region) or BUDGET not in ACCEPTED[self.region].lacks):
            Budget(
                self, "Budget", lab=settings.name, dollars=settings.budget, topic_arn=notices.topic.topic_arn
            ).node.add_dependency(notices.topic)
        if settings.lease:
            lease = Lease(
                self,
                "Lease",
                lab=settings.name,
                term=settings.lease,
                least_seconds=settings.max_run,
                notices=notices,
                log_retention_days=settings.log_retention_days,
            )
            if settings.dashboard:
                self._watch_lease(settings.name, lease.function_name)
            CfnOutput(
                self, "LeaseEnd", value=lease.end, description="When the lab ends, unless `./lab extend` moved it"
            )

    def _watch_lease(self, lab: str, function: str) -> None:
        Alarm(
            self,
            "LeaseAlarm",
            lab=lab,
            name=names.alarm(lab, "lease"),
            metric=("AWS/Lambda", "Errors"),
            dimensions={"FunctionName": function},
            statistic="Sum",
            threshold=1,
            seconds=300,
            description=f"The function that ends the lab {lab} when its lease is over has failed; it is started again "
            "every minute. Its log says why; `./lab down` ends the lab from your machine.",
        ).node.add_dependency(self.notices.topic)
