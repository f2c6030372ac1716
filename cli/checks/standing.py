"""The lab's stacks that stand: whether CloudFormation takes an update of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.checks.result import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.aws.stacks import Stack
    from cli.checks.result import Subject

# Source: CloudFormation's stack status codes; what the CDK CLI replaces by itself: its StackStatus.isCreationFailure.
_REPLACED = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
_WAYS_OUT = {
    "UPDATE_ROLLBACK_FAILED": "`aws cloudformation continue-update-rollback --stack-name {}`, or `./lab down`",
    "UPDATE_FAILED": "`aws cloudformation rollback-stack --stack-name {}`, or `./lab down`",
    "CREATE_FAILED": "`./lab down`",
    "DELETE_FAILED": "`./lab down`",
}


def check(subject: Subject) -> Iterator[Finding]:
    """A sentence for each stack that is not as it should be."""
    found = [finding for stack in subject.own if (finding := _of(stack))]
    count = len(subject.own)
    whole = f"{count} stand{'s' * (count == 1)}, and can be updated" if count else "none yet"
    yield from found or [Finding("stacks", State.OK, whole)]


def _of(stack: Stack) -> Finding | None:
    said = f"{stack.name} is {stack.status}"
    if stack.moving:
        return Finding("stacks", State.HINT, f"{said}: `./lab up` waits until that is over")
    if stack.seat and (stack.status in _WAYS_OUT or stack.broken):
        rest = "makes it anew" if stack.broken else f"can't mend it: `./lab seats rebuild {stack.seat}`"
        return Finding("stacks", State.HINT, f"{said}: `./lab up` {rest}")
    if stack.status in _REPLACED:
        return Finding("stacks", State.HINT, f"{said}: `./lab up` replaces it")
    if stack.status in _WAYS_OUT:
        return Finding(
            "stacks", State.WRONG, f"{said}, and takes no update: {_WAYS_OUT[stack.status].format(stack.name)}"
        )
    return None
