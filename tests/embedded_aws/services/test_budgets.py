"""Budgets in stacks of the embedded AWS, through CloudFormation itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from embedded_aws.gateway import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = {"StackName": "money"}
OF = {"AccountId": ACCOUNT}
QUICK = {"Delay": 0.1, "MaxAttempts": 200}


def notification(threshold: float | str = 80, address: str = "ada@example.com") -> dict[str, Any]:
    """A mail when that many percent are spent."""
    rule = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": threshold}
    return {"Notification": rule, "Subscribers": [{"SubscriptionType": "EMAIL", "Address": address}]}


def template(amount: float | str = 50, *notifications: dict[str, Any], tag: str = "bricks", **budget: Any) -> str:
    """A stack of one budget a month, whose Ref is an output."""
    described = {
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": amount, "Unit": "USD"},
        "CostFilters": {"TagKeyValue": ["user:bricklab:lab$bricks"]},
        **budget,
    }
    properties = {
        "Budget": described,
        "NotificationsWithSubscribers": list(notifications),
        "ResourceTags": [{"Key": tag, "Value": "x"}],
    }
    resource = {"Type": "AWS::Budgets::Budget", "Properties": properties}
    return json.dumps({"Resources": {"Budget": resource}, "Outputs": {"Name": {"Value": {"Ref": "Budget"}}}})


class Stack:
    """One stack and what its budget looks like."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.cloudformation, self.budgets = client("cloudformation"), client("budgets")

    def create(self, body: str) -> str:
        """Make the stack; the budget's Ref."""
        self.cloudformation.create_stack(**NAME, TemplateBody=body)
        self.cloudformation.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
        return self.ref()

    def update(self, body: str) -> str:
        """Update the stack; the budget's Ref."""
        self.cloudformation.update_stack(**NAME, TemplateBody=body)
        self.cloudformation.get_waiter("stack_update_complete").wait(**NAME, WaiterConfig=QUICK)
        return self.ref()

    def delete(self) -> None:
        """Delete the stack."""
        self.cloudformation.delete_stack(**NAME)
        self.cloudformation.get_waiter("stack_delete_complete").wait(**NAME, WaiterConfig=QUICK)

    def ref(self) -> str:
        """What Ref gives."""
        return str(self.cloudformation.describe_stacks(**NAME)["Stacks"][0]["Outputs"][0]["OutputValue"])

    def reasons(self) -> str:
        """Why resources failed."""
        events = self.cloudformation.describe_stack_events(**NAME)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def names(self) -> list[str]:
        """All budgets of the account."""
        return [budget["BudgetName"] for budget in self.budgets.describe_budgets(**OF).get("Budgets", ())]

    def thresholds(self, name: str) -> list[float]:
        """At how many percent the budget tells somebody."""
        found = self.budgets.describe_notifications_for_budget(**OF, BudgetName=name)["Notifications"]
        return [one["Threshold"] for one in found]

    def tags(self, name: str) -> set[str]:
        """The keys of the budget's tags that are not AWS's own."""
        arn = f"arn:aws:budgets::{ACCOUNT}:budget/{name}"
        tags = self.budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"]
        return {tag["Key"] for tag in tags if not tag["Key"].startswith("aws:")}


@pytest.fixture
def stack(client: Callable[[str], Any]) -> Iterator[Stack]:
    """A stack that is gone after the test, with its budget."""
    made = Stack(client)
    yield made
    made.delete()
    assert made.names() == []
    made.cloudformation.close()
    made.budgets.close()


def test_a_budget_is_as_the_template_says(stack: Stack) -> None:
    """Limit, filter, notifications with their subscribers and tags arrive; numbers may be written as strings."""
    name = stack.create(template("50", notification("80.5"), BudgetName="bricks"))
    assert name == "bricks"
    budget = stack.budgets.describe_budget(**OF, BudgetName=name)["Budget"]
    assert float(budget["BudgetLimit"]["Amount"]) == 50
    assert budget["CostFilters"] == {"TagKeyValue": ["user:bricklab:lab$bricks"]}
    assert stack.thresholds(name) == [80.5]
    subscribers = stack.budgets.describe_subscribers_for_notification(
        **OF, BudgetName=name, Notification=notification(80.5)["Notification"]
    )["Subscribers"]
    assert subscribers == [{"SubscriptionType": "EMAIL", "Address": "ada@example.com"}]
    assert stack.tags(name) == {"bricks"}


def test_a_limit_changes_in_place(stack: Stack) -> None:
    """The same budget has the new limit and tags, and its notifications stay."""
    name = stack.create(template(50, notification()))
    assert stack.update(template(80, notification(), tag="toys")) == name
    budget = stack.budgets.describe_budget(**OF, BudgetName=name)["Budget"]
    assert float(budget["BudgetLimit"]["Amount"]) == 80
    assert (stack.thresholds(name), stack.tags(name)) == ([80], {"toys"})


def test_changed_notifications_make_a_new_budget(stack: Stack) -> None:
    """A budget without a name of its own is replaced, as on AWS: one with another name takes its place."""
    first = stack.create(template(50, notification()))
    second = stack.update(template(50, notification(), notification(100)))
    assert first != second
    assert stack.names() == [second]
    assert stack.thresholds(second) == [80, 100]


def test_a_named_budget_keeps_its_notifications(stack: Stack) -> None:
    """AWS can't replace a budget under its name: it says so, and leaves the budget as it was."""
    stack.create(template(50, notification(), BudgetName="bricks"))
    with pytest.raises(WaiterError):
        stack.update(template(50, notification(100), BudgetName="bricks"))
    assert "the budget already exists" in stack.reasons()
    assert "DuplicateRecordException" in stack.reasons()
    assert stack.thresholds("bricks") == [80]


def test_another_name_is_another_budget(stack: Stack) -> None:
    """The old one goes when the new one is there; a name taken out of the template is another name."""
    stack.create(template(BudgetName="bricks"))
    assert stack.update(template(BudgetName="toys")) == "toys"
    assert stack.names() == ["toys"]
    generated = stack.update(template())
    assert generated != "toys"
    assert stack.names() == [generated]


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        ({"TimeUnit": "WEEKLY"}, "TimeUnit"),
        ({"Budgetlimit": {}}, r"#/Budget: extraneous key [Budgetlimit] is not permitted"),
    ],
)
def test_a_refused_budget_fails_the_stack_with_the_reason(stack: Stack, budget: dict[str, Any], reason: str) -> None:
    """What the API refuses, and what it has not got, stands in the stack's events."""
    with pytest.raises(WaiterError):
        stack.create(template(**budget))
    assert reason in stack.reasons()


def test_a_budget_that_somebody_deleted_does_not_hold_up_the_stack(stack: Stack) -> None:
    """The stack is deleted all the same."""
    name = stack.create(template())
    stack.budgets.delete_budget(**OF, BudgetName=name)
    stack.delete()
    with pytest.raises(ClientError, match="does not exist"):
        stack.cloudformation.describe_stacks(**NAME)
