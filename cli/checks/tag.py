"""The cost allocation tag: without it a budget for this lab sees nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cli.checks.result import Finding, State
from infra.regions import ACCEPTED, BUDGET
from teardown.scope import TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Subject

_TIMEOUT = 5  # seconds
_ATTEMPTS = 2


def check(subject: Subject) -> Iterator[Finding]:
    """Ask Cost Explorer, which few may ask and not every place has: no answer is nothing to say."""
    region = ACCEPTED.get(subject.session.region)
    if not subject.settings.budget or not region or BUDGET in region.lacks:
        return
    explorer = subject.session.client("ce", timeout=_TIMEOUT, attempts=_ATTEMPTS)
    try:
        tags = explorer.list_cost_allocation_tags(TagKeys=[TAG], Status="Active")["CostAllocationTags"]
    except (BotoCoreError, ClientError):
        return
    if not tags:
        text = (
            f"the tag {TAG} is not active for cost allocation, so the lab's budget sees nothing. A day after the "
            "first deployment, in the account that pays: `aws ce update-cost-allocation-tags-status "
            f"--cost-allocation-tags-status TagKey={TAG},Status=Active`"
        )
        yield Finding("budget", State.HINT, text)
