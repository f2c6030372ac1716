"""The topic that hears of the lab's lease and cost, and of drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.arns import account
from infra.constructs.key import LabKey
from infra.constructs.statements import allow
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.constructs.statements import Statement

_PUBLISHERS = {"Budgets": "budgets.amazonaws.com", "Alarms": "cloudwatch.amazonaws.com"}


class Notices(Construct):
    """A topic, encrypted with a key of its own, for the lab's may go before the last notice is sent.

    Neither AWS Budgets nor CloudWatch's alarms can use the key that AWS manages for SNS
    (https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html; CloudWatch's user guide,
    "Alarm actions").
    """

    def __init__(self, scope: Construct, construct_id: str, *, lab: str, addresses: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self.key = LabKey(
            self,
            "Key",
            lab=lab,
            alias=names.operations_stack(lab),
            description=f"Encrypts what the lab {lab} tells of its lease and cost",
            publishers=list(_PUBLISHERS.values()),
        )
        self.topic = sns.Topic(
            self,
            "Topic",
            display_name=f"Lab {lab}",
            enforce_ssl=True,
            master_key=self.key,
            topic_name=names.notices_topic(lab),
        )
        for title, service in _PUBLISHERS.items():
            self.topic.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=f"{title}MayPublish",
                    actions=["sns:Publish"],
                    principals=[iam.ServicePrincipal(service)],
                    resources=[self.topic.topic_arn],
                    conditions={"StringEquals": {"aws:SourceAccount": account()}},
                )
            )
        for number, address in enumerate(addresses):
            sns.Subscription(
                self, f"Address{number}", endpoint=address, protocol=sns.SubscriptionProtocol.EMAIL, topic=self.topic
            )

    def publish(self) -> list[Statement]:
        """Return the statements that a role needs to publish to the topic."""
        return [
            allow(["sns:Publish"], [self.topic.topic_arn]),
            allow(["kms:Decrypt", "kms:GenerateDataKey"], [self.key.key_arn]),
        ]
