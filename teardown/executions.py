"""The executions of the lab's state machines: stopped first, for their next step might begin a job.

A state machine with a running execution stays in DELETING for as long as that waits for something (re:Post, "Why is my
Step Functions state machine stuck in the DELETING status?", which advises to stop them). A job that is waited for is
stopped with its execution (Step Functions' guide, "Run a job (.sync)"); if it is not, it bears the lab's name.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown import names, refusals, stacks
from teardown.receipt import Resource
from teardown.refusals import Refusal, note_unlisted, try_to_delete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from teardown.receipt import Receipt

KIND = "execution"
_MACHINE = "AWS::StepFunctions::StateMachine"


class ExecutionsSweep:
    """What runs of the state machines in the lab's retraining stack, while that stands."""

    def __init__(self, client: Callable[[str], Any], lab: str, receipt: Receipt) -> None:
        self._client, self._lab, self._receipt = client, lab, receipt

    def step(self) -> list[Resource]:
        """Stop what runs; return what it was, to be looked for again."""
        try:
            found = list(self._running())
        except ClientError as error:
            return note_unlisted(self._receipt, KIND, error)
        self._receipt.unseen.pop(KIND, None)
        stop = self._client("stepfunctions").stop_execution if found else None
        return [
            resource
            for arn in found
            if stop
            and try_to_delete(
                self._receipt,
                resource := Resource(KIND, arn.rpartition(":execution:")[2]),
                partial(stop, executionArn=arn, error="Teardown", cause="The lab is taken down."),
            )
        ]

    def _running(self) -> Iterator[str]:
        for machine in self._machines():
            pages = self._client("stepfunctions").get_paginator("list_executions")
            with refusals.suppress(Refusal.GONE):
                for page in pages.paginate(stateMachineArn=machine, statusFilter="RUNNING"):
                    yield from (each["executionArn"] for each in page["executions"])

    def _machines(self) -> list[str]:
        """Return the ARNs of the stack's state machines; none if it does not stand."""
        cloudformation, name = self._client("cloudformation"), names.retraining_stack(self._lab)
        if not any(stack.name == name for stack in stacks.of_lab(cloudformation, self._lab)):
            return []
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        return [
            each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] == _MACHINE and each["ResourceStatus"] != "DELETE_COMPLETE"
        ]
