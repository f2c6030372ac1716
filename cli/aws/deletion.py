"""The teardown as `./lab` runs it: with the user's rights, to its very end, and what it did on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.aws import buckets, captures, remnants, wait
from cli.ui import screen
from teardown.alarms import AlarmsSweep
from teardown.logs import LogsSweep
from teardown.receipt import Receipt
from teardown.sagemaker import SageMakerSweep
from teardown.scope import Scope
from teardown.teardown import Teardown

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.aws.session import Session
    from teardown.receipt import Resource


def of_lab(session: Session, lab: str, *, quiet: bool) -> Receipt:
    """End the whole lab; what was found, deleted, and remains."""
    teardown = Teardown(session.client, lab)
    captures.note(session, teardown.scope, teardown.remembered)
    with screen.step("students' work and stacks deleted", quiet=quiet) as notice:
        _until(teardown.clear, teardown.receipt, notice)
        while teardown.retry():
            buckets.empty_stuck(session, lab)
            _until(teardown.clear, teardown.receipt, notice)
        notice("students' work and stacks deleted")
    with screen.step("swept twice for what no stack knows", quiet=quiet) as notice:
        _until(teardown.sweep, teardown.receipt, notice)
        _until(teardown.finish, teardown.receipt, notice)
        _until(teardown.sweep, teardown.receipt, notice)
        if not teardown.stuck():
            buckets.delete_left(session, lab, teardown.receipt)
            buckets.sweep_default(session, teardown.scope, teardown.receipt)
            captures.delete(session, teardown.remembered, teardown.receipt)
            remnants.note(session, lab, teardown.receipt)
        notice("swept twice for what no stack knows")
    return teardown.receipt


def of_seat_work(session: Session, lab: str, seat: str, notice: Callable[[str], None]) -> Receipt:
    """End what a seat's student made in SageMaker, outside of the seat's stack."""
    receipt = Receipt()
    _until(SageMakerSweep(session.client, Scope(lab=lab, seat=seat), receipt, loose=True).step, receipt, notice)
    return receipt


def of_seat_logs(session: Session, lab: str, seat: str) -> None:
    """Delete what SageMaker logged for a seat, and the alarms on what its endpoints measured."""
    receipt, scope = Receipt(), Scope(lab=lab, seat=seat)
    for sweep in (AlarmsSweep(session.client, scope, receipt), LogsSweep(session.client, scope, receipt)):
        _until(sweep.step, receipt, lambda _: None)


def _until(step: Callable[[], list[Resource]], receipt: Receipt, notice: Callable[[str], None]) -> None:
    for late in wait.until(step, notice):
        receipt.give_up(late, wait.LATE)
