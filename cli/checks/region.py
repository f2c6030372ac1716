"""The region: whether the lab can stand there, and what it does without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.checks.result import Finding, State
from infra.regions import ACCEPTED, BUDGET, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Look the region up among those that the lab accepts."""
    region = subject.session.region
    if refused := refusal(region):
        yield Finding("region", State.WRONG, refused)
    elif subject.settings.budget and BUDGET in ACCEPTED[region].lacks:
        text = (
            f"CloudFormation has no {BUDGET} in {region}, so the lab is deployed without its budget and nobody is told "
            f"of {subject.settings.budget} USD a month: make one by hand at "
            "https://console.aws.amazon.com/billing/home#/budgets, or set lab.budget=0; the lease ends the lab all the "
            "same"
        )
        yield Finding("region", State.HINT, text)
    else:
        yield Finding("region", State.OK, f"{region} has all that the lab needs")
