"""The lab's CloudFormation stacks: which there are, what they output, why one failed, and their deletion."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from cli.place import Place

TAG = "bricklab:lab"
SEAT_TAG = "bricklab:seat"
_FRAMEWORK = "\n\nLogs: /aws/lambda"  # from here on CDK's provider framework speaks of itself, with a stack trace
_POLL_SECONDS = 0.3
_DELETED_AT_ONCE = 20  # each runs a function that empties a prefix: a hundred at once would be a hundred processes
_BROKEN = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
_SETTLE_SECONDS = 3600  # CloudFormation's own limit for a custom resource


@dataclass(frozen=True)
class Stack:
    """One stack as DescribeStacks answers it."""

    name: str
    status: str
    outputs: dict[str, str]
    tags: dict[str, str]
    created: datetime

    @property
    def seat(self) -> str | None:
        """The seat whose stack it is."""
        return self.tags.get(SEAT_TAG)

    @property
    def broken(self) -> bool:
        """Whether it failed while it was made or deleted: CloudFormation takes nothing but its deletion then."""
        return self.status in _BROKEN

    @property
    def moving(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def complete(self) -> bool:
        """Whether it stands as it was asked for."""
        return self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}


def everything(place: Place) -> list[Stack]:
    """The account's stacks that exist in this region, oldest first."""
    pages = place.client("cloudformation").get_paginator("describe_stacks").paginate()
    found = [_stack(answer) for page in pages for answer in page["Stacks"]]
    return [stack for stack in sorted(found, key=lambda stack: stack.created) if stack.status != "DELETE_COMPLETE"]


def of_lab(place: Place, lab: str) -> list[Stack]:
    """The lab's stacks that exist, oldest first."""
    return [stack for stack in everything(place) if stack.tags.get(TAG) == lab]


def exists(place: Place, name: str) -> bool:
    """Whether a stack of this name stands."""
    try:
        found = place.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return False
        raise
    return _stack(found[0]).complete


def failures(place: Place, names: Iterable[str], *, since: float) -> list[str]:
    """Why stacks failed after `since` (epoch seconds): `stack: resource: reason`, first causes only."""
    found = []
    client = place.client("cloudformation")
    for name in names:
        try:
            events = client.describe_stack_events(StackName=name)["StackEvents"]
        except ClientError:
            continue
        for event in reversed(events):
            reason = event.get("ResourceStatusReason", "")
            first = event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason.lower()
            if first and event["Timestamp"].timestamp() >= since and event["LogicalResourceId"] != name:
                found.append(f"{name}: {event['LogicalResourceId']}: {reason.partition(_FRAMEWORK)[0]}")
    return found


def settle(place: Place, lab: str, notice: Callable[[str], None]) -> list[Stack]:
    """Wait until CloudFormation has finished what it was doing; the stacks then."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        found = of_lab(place, lab)
        moving = [stack for stack in found if stack.moving]
        if not moving:
            return found
        if time.monotonic() > deadline:
            raise LabError(f"{moving[0].name} is still {moving[0].status} after an hour: look at it in CloudFormation.")
        notice(", ".join(f"{stack.name} {stack.status}" for stack in moving))
        time.sleep(_POLL_SECONDS)


def delete(place: Place, lab: str, notice: Callable[[str], None], *, only: Collection[str] | None = None) -> list[str]:
    """Delete the lab's stacks, or those of these names, dependents first; the names of those deleted.

    What imports from a stack goes before it; the rest goes at the same time, but not all of a large class at once.
    Raises LabError when a stack can't be deleted, after all others that can; the next call goes on from there.
    """
    client = place.client("cloudformation")
    settle(place, lab, notice)
    asked: list[str] = []
    started = time.time()
    while found := [stack for stack in of_lab(place, lab) if only is None or stack.name in only]:
        wave = _wave([stack.name for stack in found], lab)
        moving = [stack for stack in found if stack.moving]
        fresh = [name for name in wave if name not in asked]
        if not moving and not fresh:
            reasons = failures(place, wave, since=started) or [f"{wave[0]} could not be deleted"]
            raise LabError("\n".join([*reasons, "Mend what it names, then run the same command again."]))
        for name in fresh[: max(0, _DELETED_AT_ONCE - len(moving))]:
            client.delete_stack(StackName=name)
            asked.append(name)
        notice(f"{len(asked) - len(moving)} stacks deleted, {len(moving)} on their way")
        time.sleep(_POLL_SECONDS)
    return asked


def _wave(names: list[str], lab: str) -> list[str]:
    """The stacks that nothing else depends on: the storage last, the training job before it."""
    last = [f"{lab}-training", f"{lab}-storage"]
    free = [name for name in names if name not in last]
    return free or [next(name for name in last if name in names)]


def _stack(answer: dict[str, Any]) -> Stack:
    return Stack(
        name=answer["StackName"],
        status=answer["StackStatus"],
        outputs={o["OutputKey"]: o["OutputValue"] for o in answer.get("Outputs", [])},
        tags={t["Key"]: t["Value"] for t in answer.get("Tags", [])},
        created=answer["CreationTime"],
    )
