"""What security checkers find and the lab lives with: each finding with its reason, beside the construct it is about.

`./lab check` holds cdk-nag's, checkov's and cfn-lint's findings against these, and `./lab check --exceptions` lists
them. They are metadata of our own: the CDK's acknowledged rules hide a finding from who asks whether it is still there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IConstruct

METADATA = "bricklab:acknowledged"


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings of this construct and those within: the rule, such as CKV_AWS_18, and why it is let be."""
    construct.node.add_metadata(METADATA, dict(reasons))


def wildcard(resource: str) -> str:
    """Return the rule IAM5 of cdk-nag for one resource with a wildcard, such as `…/data/*`.

    cdk-nag writes logical ids and the names of exports into it. They are the CDK's to make, so an acknowledgment has
    the sign … in their place; cli/security/findings.py knows it.
    """
    return f"AwsSolutions-IAM5[Resource::{resource}]"
