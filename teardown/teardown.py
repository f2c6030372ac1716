"""A lab's end, in steps that each look at what is there: a teardown that was broken off goes on from any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teardown import executions, names, refusals, scaling, stacks
from teardown.alarms import AlarmsSweep
from teardown.executions import ExecutionsSweep
from teardown.logs import LogsSweep
from teardown.receipt import Receipt
from teardown.records import RecordsSweep
from teardown.remembered_names import RememberedNames
from teardown.resource_types import FIRST_STAGE, RESOURCE_TYPES
from teardown.sagemaker import SageMakerSweep
from teardown.scaling import ScalingSweep
from teardown.scope import Scope
from teardown.stacks import StackDeletion

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from teardown.receipt import Resource
    from teardown.stacks import Stack

_EARLY = {executions.KIND, scaling.KIND, *(each.title for each in RESOURCE_TYPES if each.stage == FIRST_STAGE)}


class Teardown:
    """The end of one lab: `clear`, `sweep`, `finish`, and `sweep` again, for services write logs late.

    Each is called until it answers nothing; what it answers is what it waits for. `since`: see StackDeletion.
    """

    def __init__(self, client: Callable[[str], Any], lab: str, *, since: datetime | None = None) -> None:
        self.receipt = Receipt()
        self._lab, self._client = lab, client
        self._cloudformation = client("cloudformation")
        self.scope = Scope(lab=lab, others=stacks.other_labs(stacks.every(self._cloudformation), lab))
        self._executions = ExecutionsSweep(client, lab, self.receipt)
        self._scaling = ScalingSweep(client, self.scope, self.receipt)
        self.remembered = RememberedNames(client, lab)
        self._work = SageMakerSweep(client, self.scope, self.receipt, only_stackless=True, remembered=self.remembered)
        last = names.operations_stack(lab)
        self._stacks = StackDeletion(client, lab, self.receipt, only=lambda stack: stack.name != last, since=since)
        self._last = StackDeletion(client, lab, self.receipt, only=lambda stack: stack.name == last, since=since)

    def clear(self) -> list[Resource]:
        """Delete what was made in no stack, and every stack but the one that ends the lab by itself.

        A seat's stack has the role that its student's jobs and endpoints need until they have ended: it waits for them.
        """
        work = self._executions.step() or self._scaling.step() or self._work.step()
        busy = [resource.name for resource in work]
        # What comes later has not been looked at then: anybody's endpoint may be there.
        early = any(resource.kind in _EARLY or resource.name == refusals.NOT_LISTED_YET for resource in work)

        def held(stack: Stack) -> bool:
            if stack.seat:
                return early or any(name.startswith(names.prefix(self._lab, stack.seat)) for name in busy)
            return bool(busy) and stack.name in stacks.shared(self._lab)

        return [*work, *self._stacks.step(held=held)]

    def retry(self) -> bool:
        """Let `clear` try the stacks again that could not be deleted; return whether there are any.

        It tries them without their broken custom resources.
        """
        return self._stacks.retry()

    def sweep(self) -> list[Resource]:
        """Delete whatever bears the lab's tag or name when the stacks have gone, and its logs.

        Of a lab that is stuck, only what is in no stack.
        """
        stuck = self.stuck()
        everything = SageMakerSweep(
            self._client, self.scope, self.receipt, only_stackless=stuck, remembered=self.remembered
        )
        left = self._scaling.step() or everything.step()
        if stuck:
            return left
        # The stack that ends the lab needs its schedule, and writes its log, to the last.
        last = names.operations_stack(self._lab)
        standing = any(stack.name == last for stack in stacks.of_lab(self._cloudformation, self._lab))
        spared = last if standing else None
        logs = LogsSweep(self._client, self.scope, self.receipt, spared=spared, remembered=self.remembered)
        alarms = AlarmsSweep(self._client, self.scope, self.receipt, remembered=self.remembered)
        records = RecordsSweep(self._client, self._lab, self.receipt, schedules=not standing)
        left += [*alarms.step(), *logs.step()]
        if not left:  # nothing that bears the names was there any more
            self.remembered.forget(self.receipt)
        return [*left, *records.step()]

    def finish(self) -> list[Resource]:
        """Delete the stack that ends the lab by itself: the last, and only when all others have gone."""
        if not self.stuck():
            return self._last.step() or (self._last.step() if self._last.retry() else [])
        for stack in stacks.of_lab(self._cloudformation, self._lab):
            if stack.resource not in self.receipt.remaining:
                self.receipt.keep(stack.resource, "it stays as long as another stack can't be deleted")
        return []

    def finishing(self) -> bool:
        """Return whether the last stack has been asked to go."""
        last = names.operations_stack(self._lab)
        found = stacks.of_lab(self._cloudformation, self._lab)
        return any(stack.name == last and stack.status.startswith("DELETE_") for stack in found)

    def stuck(self) -> bool:
        """Return whether a stack could not be deleted: what it owns is then left to it."""
        return any(resource.kind == "stack" for resource in self.receipt.remaining)
