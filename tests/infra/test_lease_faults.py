"""The lease's function is killed at each call, loses each answer, is throttled: no schedule is left, or lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from infra.handlers.lease import resource as lease
from tests.infra.custom_resources import Stack, at_every_call, directly, each_fault, then_deleted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faulty import Fault
    from tests.infra.custom_resources import Client

pytestmark = pytest.mark.usefixtures("no_backoff")
LAB = "faults"


class Leases:
    """A lab's lease, as its stack makes it."""

    def __init__(self, client: Client, patient: Client) -> None:
        self._patient = patient
        self.scheduler = client("scheduler")

    def stack(self) -> Stack:
        """A stack that has none yet."""

        def work(client: Client, event: dict[str, Any]) -> dict[str, Any]:
            return lease.work(event, scheduler=client("scheduler"), now=datetime.now(UTC))

        return Stack(self._patient, partial(directly, work))

    def ends(self) -> dict[str, datetime]:
        """When each schedule begins, by what it is for."""
        names = [each["Name"] for each in self.scheduler.list_schedules(NamePrefix=f"{LAB}-")["Schedules"]]
        found = {name: self.scheduler.get_schedule(Name=name) for name in names}
        return {
            name.rpartition("-")[2]: each.get("StartDate")
            or datetime.fromisoformat(each["ScheduleExpression"][3:-1]).replace(tzinfo=UTC)
            for name, each in found.items()
        }


def term(hours: int) -> dict[str, Any]:
    """The properties of a lease of so many hours."""
    role, function = "arn:aws:iam::000000000000:role/x", "arn:aws:lambda:us-east-1:000000000000:function:x"
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)
    of = {"Lab": LAB, "Arn": function, "RoleArn": role, "Topic": "t", "LeastSeconds": "60"}
    return {**of, "Until": until.isoformat()}


@pytest.fixture(scope="module")
def leases(client: Client, patient: Client) -> Leases:
    """The account's schedules."""
    return Leases(client, patient)


def test_a_lease_whose_beginning_is_killed_leaves_no_schedule(leases: Leases) -> None:
    """One would fire every minute for a function that is gone."""

    def check() -> None:
        assert not leases.ends()

    def act(stack: Stack, fault: Fault) -> list[str]:
        return then_deleted(stack, stack.deploy(term(2), fault))

    assert at_every_call(leases.stack, act, check) == 4


def test_a_lease_whose_change_is_killed_is_as_it_was(leases: Leases) -> None:
    """The roll-back sets both schedules; the next update changes both."""
    stack, before, after = leases.stack(), term(4), term(8)
    stack.deploy(before)

    def begin() -> Stack:
        stack.deploy(before)
        return stack

    def check() -> None:
        assert leases.ends()["end"] == datetime.fromisoformat(before["Until"])
        assert leases.ends()["warning"] == leases.ends()["end"] - timedelta(minutes=30)

    assert at_every_call(begin, lambda stack, fault: stack.deploy(after, fault), check) == 4
    assert leases.ends()["warning"] == datetime.fromisoformat(after["Until"]) - timedelta(minutes=30)
    stack.delete()


def test_a_lease_whose_end_is_killed_ends_with_the_next_deletion(leases: Leases) -> None:
    """No schedule is left."""

    def begin() -> Stack:
        begun[:] = [leases.stack()]
        begun[0].deploy(term(2))
        return begun[0]

    def check() -> None:
        begun[0].delete()
        assert not leases.ends()

    begun: list[Stack] = []
    assert at_every_call(begin, lambda stack, fault: stack.delete(fault), check) == 4


@each_fault
def test_a_lease_bears_what_aws_does(leases: Leases, fault: Callable[[], Fault]) -> None:
    """Begun, changed, called off."""
    stack, after = leases.stack(), term(8)
    stack.deploy(term(2), fault())
    stack.deploy(after, fault())
    assert leases.ends()["end"] == datetime.fromisoformat(after["Until"])
    stack.delete(fault())
    assert not leases.ends()
