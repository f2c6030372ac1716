"""A lab is brought up, changed and ended while AWS throttles, and commands are killed in the middle.

`./lab bench faults` goes through every call of these commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.support.faulty_lab import FaultyLab, answers_lost, at, faulty_lab, throttled
from bench.support.faulty_proxy import Fault
from bench.support.standing import gone, paused, put_work, small_settings, stands, stands_with_work

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("in_order")


@pytest.fixture(scope="module")
def faulty() -> Iterator[FaultyLab]:
    """A small lab's commands."""
    with faulty_lab(small_settings) as made:
        yield made


def test_a_throttled_up_comes_to_its_end(faulty: FaultyLab) -> None:
    """A fifth of all calls is refused, boto3's and the CDK CLI's: it deploys, trains, and serves all the same."""
    ran = faulty.run("up", decide=throttled(0))
    assert (ran.code, ran.broken > 20) == (0, True), ran.output
    assert stands(faulty) == []


def test_a_killed_pause_and_a_killed_resume_go_on(faulty: FaultyLab) -> None:
    """The endpoint had gone when the one was killed, and had been asked for when the other was."""
    put_work(faulty)
    assert faulty.run("pause", decide=at(2, Fault.KILL_AFTER)).killed
    assert faulty.run("pause").code == 0
    assert paused(faulty) == []
    assert faulty.run("resume", decide=at(1, Fault.KILL_AFTER)).killed
    assert faulty.run("resume").code == 0
    assert stands_with_work(faulty) == []


def test_a_pause_and_a_resume_whose_answers_are_lost_lose_nothing(faulty: FaultyLab) -> None:
    """What was done, and not heard of, is asked for again, and refused: it is no failure, and nothing is forgotten."""
    for command, check in (("pause", paused), ("resume", stands_with_work)):
        ran = faulty.run(command, decide=answers_lost())
        assert (ran.code, ran.broken >= 4) == (0, True), ran.output
        assert check(faulty) == []


def test_a_down_that_was_killed_is_finished_by_the_next(faulty: FaultyLab) -> None:
    """Twice, in its midst: after a deletion nobody heard of, and before another."""
    assert faulty.run("down", decide=at(3, Fault.KILL_AFTER)).killed
    assert faulty.run("down", decide=at(4, Fault.KILL_BEFORE)).killed
    last = faulty.run("down")
    assert last.code == 0, last.output
    assert gone(faulty) == []
