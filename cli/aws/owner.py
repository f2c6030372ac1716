"""The lab's owner: the tag `bricklab:owner` of its stacks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from teardown.names import OWNER_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cli.aws.session import Session
    from cli.aws.stacks import Stack
    from infra.settings import Settings

_SSO = "AWSReservedSSO_"  # IAM Identity Center's roles; the session bears the user's name
# IAM's names may hold a comma, which a tag may not.
_NOT_IN_TAGS = re.compile(r"[^\w.:/=+@ -]")


def of(session: Session, settings: Settings) -> str:
    """Return what the setting lab.owner says, else the name of whoever deploys."""
    return settings.owner or caller_name(caller_arn(session))


def caller_arn(session: Session) -> str:
    """Return the ARN of whoever asks: every caller may know their own (STS's API reference, GetCallerIdentity)."""
    arn: str = session.client("sts").get_caller_identity()["Arn"]
    return arn


def others(session: Session, settings: Settings, stacks: Iterable[Stack]) -> str:
    """Say who else owns these stacks of the lab; empty if they are ours, or bear no owner's name."""
    owners = {stack.tags[OWNER_TAG] for stack in stacks if OWNER_TAG in stack.tags}
    return " and ".join(sorted(owners - {of(session, settings)})) if owners else ""


def add_to_context(session: Session, settings: Settings, context: Sequence[str]) -> list[str]:
    """Return the context for the CDK app, with the lab's owner in it."""
    return [*context, f"lab.owner={of(session, settings)}"]


def caller_name(arn: str) -> str:
    """Return the name in the ARN that GetCallerIdentity answers: a person's if it tells one, else the role's.

    Source: IAM's user guide, "IAM identifiers"; Identity Center's roles were not looked at on AWS itself.
    """
    kind, _, rest = arn.split(":", 5)[5].partition("/")
    if kind == "assumed-role":
        role, _, session = rest.partition("/")
        name = session if role.startswith(_SSO) else role
    else:
        name = rest.rpartition("/")[2] or kind
    return _NOT_IN_TAGS.sub("-", name)
