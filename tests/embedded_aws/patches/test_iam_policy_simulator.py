"""IAM's policy simulator: one result for an action, with the decision of each resource below it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/*"},
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/secret/*"},
        {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
    ],
}
OPEN, OTHER, SECRET = (f"arn:aws:s3:::{key}" for key in ("photos/1.png", "others/1.png", "photos/secret/1.png"))


@pytest.fixture
def iam(client: Callable[[str], Any]) -> Iterator[Any]:
    """A client of IAM."""
    made = client("iam")
    yield made
    made.close()


def simulated(iam: Any, *actions: str, **more: Any) -> list[dict[str, Any]]:
    """The results for the policy."""
    answer = iam.simulate_custom_policy(PolicyInputList=[json.dumps(POLICY)], ActionNames=list(actions), **more)
    return list(answer["EvaluationResults"])


@pytest.mark.parametrize(
    ("resources", "decision"),
    [
        ({OPEN: "allowed"}, "allowed"),
        ({OPEN: "allowed", OTHER: "implicitDeny"}, "implicitDeny"),
        ({OPEN: "allowed", OTHER: "implicitDeny", SECRET: "explicitDeny"}, "explicitDeny"),
    ],
)
def test_an_action_has_one_result_whatever_the_resources(iam: Any, resources: dict[str, str], decision: str) -> None:
    """Its decision is the strictest, its name no resource that was asked for: those stand below."""
    [result] = simulated(iam, "s3:GetObject", ResourceArns=list(resources))
    assert result["EvalDecision"] == decision
    assert result["EvalResourceName"] == "arn:${Partition}:s3:::${BucketName}/${ObjectName}"
    specific = result["ResourceSpecificResults"]
    assert {each["EvalResourceName"]: each["EvalResourceDecision"] for each in specific} == resources


@pytest.mark.parametrize("action", ["nothing:Do", "s3:Nothing", "s3:ListAllMyBuckets"])
def test_an_action_whose_resources_have_no_arn(iam: Any, action: str) -> None:
    """Where there is no template it is a star, for an action that nobody knows too."""
    [result] = simulated(iam, action, ResourceArns=[OPEN])
    assert result["EvalResourceName"] == "*"


def test_without_resources_there_is_nothing_below(iam: Any) -> None:
    """Each action is asked about all resources."""
    listed, read = simulated(iam, "s3:ListAllMyBuckets", "s3:GetObject")
    assert [each["EvalActionName"] for each in (listed, read)] == ["s3:ListAllMyBuckets", "s3:GetObject"]
    assert [each["EvalDecision"] for each in (listed, read)] == ["allowed", "implicitDeny"]
    assert [each["EvalResourceName"] for each in (listed, read)] == ["*", "*"]
    assert listed["ResourceSpecificResults"] == []
