"""Checks of what stands already: whether the lab's name is free or its own, and its stacks take an update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.aws import owner
from cli.checks.result import CheckResult, State
from teardown import names
from teardown.names import LAB_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.aws.stacks import Stack
    from cli.checks.result import Deployment


# Source: CloudFormation's stack status codes; what the CDK CLI replaces by itself: its StackStatus.isCreationFailure.
_REPLACED = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
_WAYS_OUT = {
    "UPDATE_ROLLBACK_FAILED": "`aws cloudformation continue-update-rollback --stack-name {}`, or `./lab down`",
    "UPDATE_FAILED": "`aws cloudformation rollback-stack --stack-name {}`, or `./lab down`",
    "CREATE_FAILED": "`./lab down`",
    "DELETE_FAILED": "`./lab down`",
}


def check_name(deployment: Deployment) -> Iterator[CheckResult]:
    """Look for stacks of the name that are not the lab's, for labs with names too much alike, for another owner."""
    found = [*_taken(deployment), *_alike(deployment), *_owned(deployment)]
    yield from found or [CheckResult("name", State.OK, f"{deployment.settings.name} is {_free(deployment)}")]


def _free(deployment: Deployment) -> str:
    return "this lab's" if deployment.own else "free"


def _taken(deployment: Deployment) -> Iterator[CheckResult]:
    lab = deployment.settings.name
    wanted = {*names.core_stacks(lab), *(names.seat_stack(lab, seat.name) for seat in deployment.settings.seats)}
    for stack in deployment.stacks:
        if stack.name in wanted and not stack.is_of(lab):
            text = f"the stack {stack.name} is there and belongs to something else: choose another lab.name"
            yield CheckResult("name", State.WRONG, text)


def _alike(deployment: Deployment) -> Iterator[CheckResult]:
    lab = deployment.settings.name
    for other in sorted({stack.tags[LAB_TAG] for stack in deployment.stacks if LAB_TAG in stack.tags} - {lab}):
        if other.startswith(names.prefix(lab)) or lab.startswith(names.prefix(other)):
            text = (
                f"the lab {other} is in this account and region: {max(lab, other, key=len)} begins with "
                f"{min(lab, other, key=len)}-, and each would take the other's resources for its own: choose a "
                "lab.name that does not"
            )
            yield CheckResult("name", State.WRONG, text)


def _owned(deployment: Deployment) -> Iterator[CheckResult]:
    if others := owner.others(deployment.session, deployment.settings, deployment.own):
        text = (
            f"lab.name {deployment.settings.name} is in use by the lab of {others}, and you are "
            f"{owner.of(deployment.session, deployment.settings)}: choose another lab.name, or --force if it is yours "
            "to change"
        )
        yield CheckResult("name", State.RISKY, text)


def check_stacks(deployment: Deployment) -> Iterator[CheckResult]:
    """Look for stacks of the lab that CloudFormation does not update as they are."""
    found = [result for stack in deployment.own if (result := _not_updatable(stack))]
    count = len(deployment.own)
    whole = f"{count} stand{'s' * (count == 1)}, and can be updated" if count else "none yet"
    yield from found or [CheckResult("stacks", State.OK, whole)]


def _not_updatable(stack: Stack) -> CheckResult | None:
    said = f"{stack.name} is {stack.status}"
    if stack.moving:
        return CheckResult("stacks", State.HINT, f"{said}: `./lab up` waits until that is over")
    if stack.seat and (stack.status in _WAYS_OUT or stack.broken):
        rest = "makes it anew" if stack.broken else f"can't mend it: `./lab seats rebuild {stack.seat}`"
        return CheckResult("stacks", State.HINT, f"{said}: `./lab up` {rest}")
    if stack.status in _REPLACED:
        return CheckResult("stacks", State.HINT, f"{said}: `./lab up` replaces it")
    if stack.status in _WAYS_OUT:
        return CheckResult(
            "stacks", State.WRONG, f"{said}, and takes no update: {_WAYS_OUT[stack.status].format(stack.name)}"
        )
    return None
