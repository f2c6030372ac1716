"""CloudFormation and CDK's provider framework, as the stacks' functions meet them when something goes wrong.

A function that ends without an answer has failed, and a creation that has failed is deleted, under the physical id that
was answered until then.
"""

from __future__ import annotations

import uuid
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from infra.handlers.custom_resource import outcome
from tests.faulty import FaultyClients, Killed, answers_lost, killed_after, killed_before, throttled

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faulty import Fault

    Client = Callable[[str], Any]
    Tell = Callable[[str], None]
    Handle = Callable[[Client, dict[str, Any], Tell], None]

INVENTED, MARKER = "invented", "AWSCDK::CustomResourceProviderFramework::CREATE_FAILED"
SOUND = killed_before(0)
each_fault = pytest.mark.parametrize(
    "fault",
    [answers_lost, partial(throttled, 0)],
    ids=["lost", "throttled"],
)


class Stack:
    """A stack of one resource; `handle` is its function, which tells the physical id."""

    def __init__(self, client: Client, handle: Handle) -> None:
        self._client, self._handle = client, handle
        self.of = {"StackId": f"arn:aws:cloudformation:us-east-1:1:stack/x/{uuid.uuid4()}", "LogicalResourceId": "R"}
        self._id = ""
        self._properties: dict[str, Any] = {}

    def deploy(self, properties: dict[str, Any], fault: Fault = SOUND) -> list[str]:
        """Create or update it, or roll back what fails and raise Killed; return the calls that changed something."""
        old, self._properties = self._properties, properties
        try:
            if self._id:
                return self._ask("Update", fault, OldResourceProperties=old, PhysicalResourceId=self._id)
            self._id = INVENTED
            return self._ask("Create", fault)
        except Killed:
            if not old:
                self.delete()
            else:
                self._properties = old
                self._ask("Update", SOUND, OldResourceProperties=properties, PhysicalResourceId=self._id)
            raise

    def delete(self, fault: Fault = SOUND) -> list[str]:
        """Delete it; return the calls that changed something."""
        if self._id == MARKER:  # the framework answers for the function
            return []
        return self._ask("Delete", fault, PhysicalResourceId=self._id)

    def _ask(self, kind: str, fault: Fault, **more: Any) -> list[str]:
        process = FaultyClients(self._client, fault)
        event = {**self.of, "RequestType": kind, "RequestId": "r", "ResourceProperties": self._properties, **more}
        with process.working():
            try:
                self._handle(process, event, self._tell)
            finally:
                if process.killed:
                    raise Killed(process.killed)
        return process.changing

    def _tell(self, physical_id: str) -> None:
        self._id = physical_id


def in_framework(resource: Callable[[Client], Any], client: Client, event: dict[str, Any], tell: Tell) -> None:
    """Ask as CDK's provider framework does: what the first call has answered goes along with all others."""
    if event["RequestType"] == "Create":
        tell(MARKER)
    made = resource(client)
    answer = made.on_event(event)
    tell(answer["PhysicalResourceId"])
    while not made.is_complete({**event, **answer})["IsComplete"]:
        pass


def directly(work: Callable[[Client, dict[str, Any]], dict[str, Any]], client: Client, event: Any, tell: Tell) -> None:
    """Ask a function that answers CloudFormation itself."""
    answer = outcome(event, partial(work, client))
    if not client.killed:  # type: ignore[attr-defined]  # FaultyClients; then nobody hears the answer
        tell(answer["PhysicalResourceId"])
        assert answer["Status"] == "SUCCESS", answer


def at_every_call(
    begin: Callable[[], Stack], act: Callable[[Stack, Fault], list[str]], check: Callable[[], None]
) -> int:
    """Kill a function before and after each call that changes something, and check; return how many points it has."""
    points = 0
    for kill in (killed_before, killed_after):
        for nth in count(1):
            stack = begin()
            try:
                act(stack, kill(nth))
            except Killed:
                points += 1
                check()
            else:
                break
    return points


def then_deleted(stack: Stack, calls: list[str]) -> list[str]:
    """Delete the stack; return the calls."""
    stack.delete()
    return calls
