"""Whose account it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.aws import owner
from cli.checks.result import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Name account, region and caller: that they are the ones that were meant, only the reader knows."""
    identity = subject.session.client("sts").get_caller_identity()
    who = owner.caller(identity["Arn"])
    yield Finding("account", State.OK, f"account {identity['Account']}, region {subject.session.region}, as {who}")
