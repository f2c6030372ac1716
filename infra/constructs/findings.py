"""The findings of security checkers (cdk-nag's AwsSolutions) that the lab lives with, each one with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Validations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IConstruct

PACK = "AwsSolutions"
# cdk-nag writes logical ids and the names of exports into a finding's id. They are the CDK's to make, so an
# acknowledgment has this sign in their place; infra/audit.py knows it.
GENERATED = "…"


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings of this construct and those within: the rule, such as S1, and why it does not apply."""
    rules = [Acknowledgment(id=f"{PACK}-{rule}", reason=reason) for rule, reason in reasons.items()]
    Validations.of(construct).acknowledge(*rules)


def wildcard(resource: str) -> str:
    """The rule IAM5 for one resource with a wildcard, such as `…/data/*`."""
    return f"IAM5[Resource::{resource}]"
