"""The lab's CloudFormation stacks: which there are, whose the others are, and their deletion, dependents first."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown import names, refusals
from teardown.names import LAB_TAG, SEAT_TAG
from teardown.receipt import Resource
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import datetime

    from teardown.receipt import Receipt

_AT_ONCE = 20  # each runs a function that empties a prefix: a hundred at once would be a hundred processes
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
_TRIES = 2  # at a deletion: a plain one, and one without the custom resources that are broken
_IN_REVIEW = "REVIEW_IN_PROGRESS"
_LOOKS = 30  # at a stack whose deletion was asked for and has not begun
_BROKEN = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})


@dataclass(frozen=True)
class Stack:
    """One stack as DescribeStacks answers it."""

    name: str
    status: str
    reason: str
    outputs: dict[str, str]
    tags: dict[str, str]
    created: datetime

    @property
    def resource(self) -> Resource:
        """Return it as a receipt has it."""
        return Resource("stack", self.name)

    @property
    def seat(self) -> str | None:
        """Return the seat whose stack it is."""
        return self.tags.get(SEAT_TAG)

    @property
    def broken(self) -> bool:
        """Return whether it failed while it was made or deleted: CloudFormation takes nothing but its deletion then."""
        return self.status in _BROKEN

    @property
    def moving(self) -> bool:
        """Return whether CloudFormation is at work on it."""
        # One in review is a change set that nobody has executed, and waits for ever.
        return self.status.endswith("_IN_PROGRESS") and self.status != _IN_REVIEW

    def is_of(self, lab: str) -> bool:
        """Return whether it is the lab's: it bears its tag, or is to.

        One in review, which a deployment leaves that is killed, has nothing in it, and no tags yet: its name tells.
        """
        if self.status == _IN_REVIEW and LAB_TAG not in self.tags:
            return self.name in names.core_stacks(lab) or self.name.startswith(names.seat_stack(lab, ""))
        return self.tags.get(LAB_TAG) == lab

    @property
    def complete(self) -> bool:
        """Return whether it stands as it was asked for."""
        return self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}


def every(cloudformation: Any) -> list[Stack]:
    """Return the account's stacks that exist, oldest first."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    found = sorted((each for page in pages for each in page["Stacks"]), key=lambda each: each["CreationTime"])
    return [_stack(each) for each in found if each["StackStatus"] != "DELETE_COMPLETE"]


def of_lab(cloudformation: Any, lab: str) -> list[Stack]:
    """Return the lab's stacks that exist, oldest first."""
    return [stack for stack in every(cloudformation) if stack.is_of(lab)]


class StackDeletion:
    """Deletes the lab's stacks, or those of these names, a wave of them at a time.

    With `since` it goes on with what others of this class have tried from that time on, as a function does that has a
    minute: a deletion that fails after that minute has failed all the same.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        lab: str,
        receipt: Receipt,
        *,
        only: Callable[[Stack], bool] = lambda _: True,
        since: datetime | None = None,
    ) -> None:
        self._cloudformation = client("cloudformation")
        self._lab, self._receipt, self._only, self._since = lab, receipt, only, since
        self._looks: dict[str, int] = {}  # since its deletion was asked for
        self._failed: set[str] = set()
        self._retried: set[str] = set()

    def step(self, *, held: Callable[[Stack], bool] = lambda _: False) -> list[Resource]:
        """Ask for the deletion of what nothing else depends on any more; return the stacks that are waited for.

        `held` says which have to stay for now. A stack that could not be deleted is noted in the receipt with the first
        cause, and keeps what it depends on; another object of this class tries it again.
        """
        found = [stack for stack in of_lab(self._cloudformation, self._lab) if self._only(stack)]
        self._receipt.found |= {stack.resource for stack in found}
        moving = sum(stack.moving for stack in found)
        waiting = [stack for stack in found if stack.moving]
        for stack in _wave(found, self._lab):
            if stack.moving or stack.name in self._failed:
                continue
            if held(stack):
                waiting.append(stack)
            elif stack.name not in self._looks:
                waiting.append(stack)
                if moving < _AT_ONCE:
                    moving += 1
                    self._delete(stack)
            elif self._has_failed(stack):
                self._keep(stack, self._cause(stack))
            else:
                waiting.append(stack)
        return [stack.resource for stack in waiting if stack.name not in self._failed]

    def retry(self) -> bool:
        """Try those that failed, if any, once more, without the custom resources that could not be deleted.

        Their functions may be gone or broken for good: whoever calls this has done or will do their work. What waited
        for them may fail in its turn, and is retried in the next call.
        """
        again = self._failed - self._retried
        self._receipt.drop(Resource("stack", name) for name in again)
        self._failed -= again
        self._retried |= again
        self._looks = {name: looks for name, looks in self._looks.items() if name not in again}
        return bool(again)

    def _delete(self, stack: Stack) -> None:
        try:
            tries = self._tries(stack)
            if tries >= _TRIES:
                self._keep(stack, self._cause(stack))
                return
            broken = stack.status == "DELETE_FAILED" and (stack.name in self._retried or tries)
            skipped = {"RetainResources": found} if broken and (found := self._broken_custom_resources(stack)) else {}
            # The token tells CloudFormation a call that is made anew, for its answer got lost, from another one.
            self._cloudformation.delete_stack(StackName=stack.name, ClientRequestToken=str(uuid.uuid4()), **skipped)
        except ClientError as error:
            if refusals.classify(error) is Refusal.SLOW:
                return
            if self._stands(stack):
                self._keep(stack, str(error))  # it is protected, or the caller may not
        self._looks[stack.name] = 0

    def _stands(self, stack: Stack) -> bool:
        """Return whether it is there and is not being deleted, as it is when the answer to DeleteStack got lost."""
        return any(each.name == stack.name and not each.moving for each in of_lab(self._cloudformation, self._lab))

    def _tries(self, stack: Stack) -> int:
        """Return how often its deletion has failed since then."""
        since = self._since
        if since is None or stack.status != "DELETE_FAILED":
            return 0
        return sum(
            event["LogicalResourceId"] == stack.name
            and event.get("ResourceStatus") == "DELETE_FAILED"
            and event["Timestamp"] >= since
            for event in self._events(stack)
        )

    def _has_failed(self, stack: Stack) -> bool:
        """Return whether CloudFormation has given it up, or does not begin with it at all."""
        self._looks[stack.name] += 1
        return stack.status == "DELETE_FAILED" or self._looks[stack.name] > _LOOKS

    def _keep(self, stack: Stack, why: str) -> None:
        self._failed.add(stack.name)
        self._receipt.keep(stack.resource, why)

    def _broken_custom_resources(self, stack: Stack) -> list[str]:
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.name)
        return [
            each["LogicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceStatus"] == "DELETE_FAILED" and each["ResourceType"].startswith(_CUSTOM)
        ]

    def _cause(self, stack: Stack) -> str:
        """Return why its deletion failed, as the first of its failed resources says it."""
        with contextlib.suppress(ClientError):  # the caller may not read them, or somebody else has deleted it
            for event in self._events(stack):
                if event.get("ResourceStatus") == "DELETE_FAILED" and event["LogicalResourceId"] != stack.name:
                    return f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason was given')}"
        return stack.reason or f"it is {stack.status}"

    def _events(self, stack: Stack) -> Iterator[dict[str, Any]]:
        """Yield the stack's events, newest first."""
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack.name)
        for page in pages:
            yield from page["StackEvents"]


def shared(lab: str) -> tuple[str, str]:
    """Return the names of the stacks that others read from, in the order of their deletion."""
    return names.training_stack(lab), names.storage_stack(lab)


def _wave(found: Collection[Stack], lab: str) -> list[Stack]:
    """Return those that nothing else depends on: the storage after all that read from it, the training before it."""
    last = shared(lab)
    free = [stack for stack in found if stack.name not in last]
    return free or next(([stack] for name in last for stack in found if stack.name == name), [])


def other_labs(stacks: Iterable[Stack], lab: str) -> frozenset[str]:
    """Return the names of the account's other labs."""
    return frozenset(tag for stack in stacks if (tag := stack.tags.get(LAB_TAG)) and tag != lab)


def _stack(answer: dict[str, Any]) -> Stack:
    return Stack(
        name=answer["StackName"],
        status=answer["StackStatus"],
        reason=answer.get("StackStatusReason", ""),
        outputs={o["OutputKey"]: o["OutputValue"] for o in answer.get("Outputs", [])},
        tags={t["Key"]: t["Value"] for t in answer.get("Tags", [])},
        created=answer["CreationTime"],
    )
