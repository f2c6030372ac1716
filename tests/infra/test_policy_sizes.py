"""IAM's sizes: what a role's policies hold together, with the longest names that a lab and its seats may have.

Sources: IAM's user guide, "IAM and AWS STS quotas": 10,240 characters for all inline policies of a role, 6,144 for a
managed policy, 2,048 by default for a trust policy; white space does not count.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from infra.regions import ACCEPTED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Synthesise

INLINE, MANAGED, TRUST = 10_240, 6_144, 2_048
NEAR = 0.9  # so that what is a line more than it holds is told here, and not by IAM
ACCOUNT = "1" * 12
REGION = max(ACCEPTED, key=len)
HERE = f":{REGION}:{ACCOUNT}:"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
# The longest ARN that CloudFormation's names come to, by type.
ARNS = {
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/" + "r" * 64,
    "AWS::KMS::Key": f"arn:aws:kms{HERE}key/" + "k" * 36,
    "AWS::Lambda::Function": f"arn:aws:lambda{HERE}function:" + "f" * 64,
    "AWS::Logs::LogGroup": f"arn:aws:logs{HERE}log-group:" + "l" * 128 + ":*",
    "AWS::S3::Bucket": "arn:aws:s3:::" + "b" * 63,
    "AWS::SNS::Topic": f"arn:aws:sns{HERE}" + "t" * 128,
    "AWS::StepFunctions::StateMachine": f"arn:aws:states{HERE}stateMachine:" + "s" * 80,
}
LAB = "l" * 32
TYPES = ["ml.m5.large", "ml.c5.xlarge", "ml.g4dn.xlarge", "ml.g5.xlarge"]

Resources = dict[str, Any]


def resolved(value: Any, resources: Resources) -> Any:
    """The value as AWS gets it, or as long as it may be."""
    if isinstance(value, list):
        return [resolved(each, resources) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (found := _intrinsic(*next(iter(value.items())), resources)):
        return found
    assert not any(key.startswith("Fn::") for key in value), value
    return {resolved(key, resources): resolved(each, resources) for key, each in value.items()}


def _intrinsic(name: str, value: Any, resources: Resources) -> str:
    """What a function of CloudFormation's comes to; "" for what is none."""
    if name == "Ref":
        named = ARNS.get(resources[value]["Type"], "n" * 64) if value in resources else "p" * 150
        return PSEUDO.get(value, named)
    if name == "Fn::GetAtt":
        return ARNS[resources[value[0]]["Type"]]
    if name == "Fn::Join":
        return str(value[0]).join(resolved(value[1], resources))
    return {"Fn::ImportValue": "i" * 100, "Fn::Select": "s" * 80}.get(name, "")


def size(document: Any, resources: Resources) -> int:
    """Its characters."""
    return len(json.dumps(resolved(document, resources), separators=(",", ":")))


@pytest.fixture(scope="module")
def stacks(synthesise: Synthesise, photos: Path) -> dict[str, Resources]:
    """The resources of every stack of a lab with all that a setting can add, under the longest names."""
    made = synthesise(
        name=LAB,
        seats=["s" * 8],
        lease="8h",
        photos=str(photos),
        seat_instance_types=TYPES,
        notify=["a@b.c"],
        hosting="async",
        rollout="canary",
        retraining=True,
    )
    return {stack: template["Resources"] for stack, template in made.items()}


def test_a_role_s_policies_fit_into_iam(stacks: dict[str, Resources]) -> None:
    """All inline policies of a role together, whichever resource of the template they stand in."""
    inline: Counter[str] = Counter()
    for stack, resources in stacks.items():
        for name, resource in resources.items():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::IAM::Role":
                for policy in properties.get("Policies", []):
                    inline[f"{stack} {name}"] += size(policy["PolicyDocument"], resources)
                assert size(properties["AssumeRolePolicyDocument"], resources) <= TRUST
            if resource["Type"] == "AWS::IAM::Policy":
                for role in properties["Roles"]:
                    inline[f"{stack} {role['Ref']}"] += size(properties["PolicyDocument"], resources)
            if resource["Type"] == "AWS::IAM::ManagedPolicy":
                assert size(properties["PolicyDocument"], resources) <= MANAGED
    assert len(inline) > 10
    assert not {role: characters for role, characters in inline.items() if characters > INLINE * NEAR}
