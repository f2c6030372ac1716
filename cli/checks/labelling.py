"""What preflight says of `lab.labelling`: a region has one workforce, and new customers don't get Ground Truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.aws.session import Target
from cli.checks.result import CheckResult, State
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Deployment


def check_labelling(deployment: Deployment) -> Iterator[CheckResult]:
    """Look for another workforce in the region, and tell who gets none."""
    if deployment.settings.labelling == "off":
        return
    own = names.labelers(deployment.settings.name)
    found = deployment.session.client("sagemaker").list_workforces()["Workforces"]
    if others := [each["WorkforceName"] for each in found if each["WorkforceName"] != own]:
        text = (
            f"the region has the workforce {', '.join(others)}, and SageMaker has one in a region at most: leave "
            "lab.labelling off, or delete that one with its teams"
        )
        yield CheckResult("labelling", State.WRONG, text)
    elif found or deployment.session.target is not Target.AWS:
        yield CheckResult("labelling", State.OK, f"the region's workforce {'is' if found else 'may be'} the lab's")
    else:
        text = (
            "AWS takes no new customers for Ground Truth: an account that has not used it is refused a workforce, "
            "and the storage stack fails with that sentence; leave lab.labelling off there, `./lab label` needs none"
        )
        yield CheckResult("labelling", State.HINT, text)
