"""The lab's CloudFormation stacks: which there are, why one failed, and their deletion."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.aws import wait
from cli.ui.errors import LabError
from teardown import stacks as teardown
from teardown.receipt import Receipt
from teardown.stacks import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from cli.aws.session import Session

__all__ = [
    "BOOTSTRAP",
    "Stack",
    "delete",
    "every",
    "exists",
    "failures",
    "finish_rollback",
    "of_lab",
    "outputs",
    "wait_for_bootstrap",
    "wait_until_settled",
]

BOOTSTRAP = "CDKToolkit"
_FRAMEWORK = "\n\nLogs: /aws/lambda"  # from here on CDK's provider framework speaks of itself, with a stack trace
# What SageMaker says to a rollback of the endpoint's stack, where the endpoint has gone back by itself already.
_AS_IT_WAS = "with the currently in use endpoint configuration"
_POLL_SECONDS = 0.3
_SETTLE_SECONDS = 3600  # CloudFormation's own limit for a custom resource


def of_lab(session: Session, lab: str) -> list[Stack]:
    """List the lab's stacks that exist, oldest first."""
    return teardown.of_lab(session.client("cloudformation"), lab)


def outputs(session: Session, lab: str) -> dict[str, str]:
    """Return the outputs of all of the lab's stacks."""
    return {key: value for stack in of_lab(session, lab) for key, value in stack.outputs.items()}


def every(session: Session) -> list[Stack]:
    """List the account's stacks that exist, oldest first."""
    return teardown.every(session.client("cloudformation"))


def exists(session: Session, name: str) -> bool:
    """Return whether a stack of this name is complete."""
    return any(stack.name == name and stack.complete for stack in every(session))


def failures(session: Session, names: Iterable[str], *, since: float) -> list[str]:
    """Return why stacks failed after `since` (epoch seconds): `stack: resource: reason`, first causes only."""
    found = []
    client = session.client("cloudformation")
    for name in names:
        try:
            events = client.describe_stack_events(StackName=name)["StackEvents"]
        except ClientError:
            continue
        for event in reversed(events):
            reason = event.get("ResourceStatusReason", "")
            first = event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason.lower()
            first = first and _AS_IT_WAS not in reason
            if first and event["Timestamp"].timestamp() >= since and event["LogicalResourceId"] != name:
                said = session.without_console(reason.partition(_FRAMEWORK)[0])
                found.append(f"{name}: {event['LogicalResourceId']}: {said}")
    return found


def finish_rollback(session: Session, lab: str, notice: Callable[[str], None]) -> None:
    """Let CloudFormation end the rollback of a stack that failed only because its endpoint had gone back by itself.

    SageMaker has rolled the endpoint's update back, and refuses then to be asked for the config that serves: such an
    endpoint is skipped, for it is as the rollback wants it. The stack takes no update before.
    """
    client = session.client("cloudformation")
    for stack in of_lab(session, lab):
        if stack.status == "UPDATE_ROLLBACK_FAILED" and (done := _gone_back(client, stack.name)):
            client.continue_update_rollback(StackName=stack.name, ResourcesToSkip=sorted(done))
            wait_until_settled(session, lab, notice)


def _gone_back(client: Any, stack: str) -> set[str]:
    """Return the resources whose rollback was refused for they are as they were; events come newest first."""
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack)
    found = set()
    for event in (each for page in pages for each in page["StackEvents"]):
        if event["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS":
            break
        if event["ResourceStatus"] == "UPDATE_FAILED" and _AS_IT_WAS in event.get("ResourceStatusReason", ""):
            found.add(event["LogicalResourceId"])
    return found


def wait_until_settled(session: Session, lab: str, notice: Callable[[str], None]) -> list[Stack]:
    """Wait until CloudFormation has finished what it was doing with the lab's stacks; return them then."""
    return _settled(lambda: of_lab(session, lab), notice)


def wait_for_bootstrap(session: Session, notice: Callable[[str], None]) -> bool:
    """Wait until nobody makes the account ready for the CDK any more; return whether it is."""
    return any(
        stack.complete
        for stack in _settled(lambda: [each for each in every(session) if each.name == BOOTSTRAP], notice)
    )


def _settled(look: Callable[[], list[Stack]], notice: Callable[[str], None]) -> list[Stack]:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        found = look()
        moving = [stack for stack in found if stack.moving]
        if not moving:
            return found
        if time.monotonic() > deadline:
            raise LabError(f"{moving[0].name} is still {moving[0].status} after an hour: look at it in CloudFormation.")
        notice(", ".join(f"{stack.name} {stack.status}" for stack in moving))
        time.sleep(_POLL_SECONDS)


def delete(session: Session, lab: str, notice: Callable[[str], None], *, only: Collection[str]) -> None:
    """Delete those of the lab's stacks that have these names.

    Raises LabError when a stack can't be deleted, after all others that can; the next call goes on from there.
    """
    receipt = Receipt()
    deletion = teardown.StackDeletion(session.client, lab, receipt, only=lambda stack: stack.name in only)
    for late in wait.until(deletion.step, notice):
        receipt.give_up(late, wait.LATE)
    reasons = [f"{each.resource.name}: {each.why}" for each in receipt.remaining.values()]
    if reasons:
        raise LabError("\n".join([*reasons, "Mend what it names, then run the same command again."]))
