"""The function that ends a lab is killed at each call, loses each answer, is throttled: the lab ends all the same.

It is invoked again a minute later, as its schedule has it.
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from infra.handlers.lease.handler import Ending
from teardown import lease_schedules
from tests.embedded_aws.account import until
from tests.faulty import FaultyClients, Killed, answers_lost, killed_before, killed_before_operation, throttled
from tests.infra.conftest import Clock
from tests.teardown.embedded_account import TOPIC
from tests.teardown.test_lease import Lab

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faulty import Fault
    from tests.teardown.embedded_account import EmbeddedAccount

pytestmark = pytest.mark.usefixtures("no_backoff", "delivered_at_once")


@pytest.fixture
def delivered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No notice takes time to get to who subscribed."""
    monkeypatch.setattr(lease_schedules, "DELIVERY", timedelta(0))


def built(aws: EmbeddedAccount, name: str) -> Lab:
    """A lab whose lease is over."""
    lab = Lab(aws, name)
    for part in ("operations", "storage"):
        aws.stack(f"{name}-{part}", TOPIC, lab=name)
    aws.parameter(f"/{name}/paused/x")
    lab.is_over()
    return lab


def invoked(lab: Lab, fault: Fault) -> None:
    """Invoke the function once. Raises Killed."""
    event = json.loads(lab.schedule()["Target"]["Input"])
    process = FaultyClients(lab.aws.patient, fault)
    with process.working():
        Ending(event, process, now=Clock().now, sleep=lambda _: None).end()


def ends(lab: Lab, fault: Callable[[], Fault]) -> None:
    """Invoke the function until the lab has gone, and look that it has, and that whoever subscribed was told."""
    for _ in range(30):
        if not any(each.startswith("stack ") for each in lab.stands()):
            break
        invoked(lab, fault())
    assert {each for each in lab.stands() if not each.startswith("schedule ")} == set()
    assert until(lab.heard)
    assert set(lab.heard()) == {f"Lab {lab.name} has ended"}


@pytest.mark.parametrize("operation", ["DeleteParameter", "Publish", "UpdateSchedule"])
def test_the_next_invocation_goes_on(aws: EmbeddedAccount, operation: str) -> None:
    """When the stacks have gone, before and after the notice: the lab goes, and until then its schedule is there."""
    lab = built(aws, f"killed-before-{operation.lower()}")
    with pytest.raises(Killed):
        invoked(lab, killed_before_operation(operation))
    ends(lab, lambda: killed_before(0))


@pytest.mark.parametrize("fault", [answers_lost, partial(throttled, 0)], ids=["lost", "throttled"])
def test_what_aws_does_is_borne(
    aws: EmbeddedAccount, fault: Callable[[], Fault], request: pytest.FixtureRequest
) -> None:
    """A notice may come twice, and nothing is left."""
    ends(built(aws, f"borne-{request.node.callspec.id}"), fault)
