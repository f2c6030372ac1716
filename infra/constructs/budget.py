"""What the lab may cost a month, and who hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_budgets as budgets

from teardown.names import LAB_TAG

if TYPE_CHECKING:
    from constructs import Construct

_ALERTS = (50, 80, 100)  # percent of the limit


class Budget(budgets.CfnBudget):
    """A monthly budget for whatever bears the lab's tag.

    It sees costs only when the account has activated `bricklab:lab` as a cost allocation tag
    (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html). CloudFormation names it: its
    notifications can't be changed but by another budget, and one with a name of ours could not be replaced
    (aws-cloudformation/cloudformation-coverage-roadmap#365).
    """

    def __init__(self, scope: Construct, construct_id: str, *, lab: str, dollars: int, topic_arn: str) -> None:
        super().__init__(
            scope,
            construct_id,
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
                budget_type="COST",
                # Source: AWS Budgets' API reference, "Budget": `user:<key>$<value>`.
                cost_filters={"TagKeyValue": [f"user:{LAB_TAG}${lab}"]},
                time_unit="MONTHLY",
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type="ACTUAL",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[budgets.CfnBudget.SubscriberProperty(address=topic_arn, subscription_type="SNS")],
                )
                for percent in _ALERTS
            ],
            # Budgets have their tags under another name, which the CDK does not fill.
            resource_tags=[budgets.CfnBudget.ResourceTagProperty(key=LAB_TAG, value=lab)],
        )
