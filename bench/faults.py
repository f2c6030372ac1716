"""What a kill costs: `./lab bench faults` kills commands at each call that changes something, and runs them again.

Before the call, and after it without the answer; then each answer is lost once, and then a fifth of all calls is
throttled or meets AWS's own trouble, and some answers are late. After each the command is run again, if it has not come
to its end, and what stands is looked at: everything that was there is there, nothing runs on, and nothing is left of
what was to go. The commands are those that change a lab, on an embedded AWS that they take for AWS.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.support import tables
from bench.support.faulty_lab import FaultyLab, Ran, answers_lost, at, faulty_lab, throttled
from bench.support.faulty_proxy import Fault
from bench.support.standing import (
    gone,
    paused,
    put_work,
    small_settings,
    stands,
    stands_with_bob,
    stands_with_work,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.support.faulty_lab import Decide

    Check = Callable[[FaultyLab], list[str]]

_KILLS = (Fault.KILL_BEFORE, Fault.KILL_AFTER)
_SEEDS = 2


@dataclass
class Count:
    """Of one command and one kind of fault: how many points there were, and what went wrong."""

    points: int = 0
    wrong: list[str] = field(default_factory=list)
    longest: float = 0.0


class Sweep:
    """A sweep, until its time is over; `every` leaves points out."""

    def __init__(self, *, every: int, minutes: float) -> None:
        self.counts: dict[tuple[str, str], Count] = defaultdict(Count)
        self._every, self._deadline = every, time.monotonic() + minutes * 60

    @property
    def over(self) -> bool:
        """Return whether there is no time left."""
        return time.monotonic() > self._deadline

    def pairs(self, lab: FaultyLab, *commands: tuple[tuple[str, ...], Check]) -> None:
        """Break each of the commands, which undo one another, at each of its points."""
        for fault in _KILLS:
            number, going = 1, True
            while going and not self.over:
                going = False
                for command, check in commands:
                    going |= self._broken(lab, command, check, str(fault.value), at(number, fault))
                number += self._every
        decides: list[tuple[str, Decide]] = [("answers lost", answers_lost())]
        decides += [("throttled", throttled(seed)) for seed in range(_SEEDS)]
        for kind, decide in decides:
            for command, check in commands:
                if not self.over:
                    self._broken(lab, command, check, kind, decide)

    def _broken(self, lab: FaultyLab, command: tuple[str, ...], check: Check, kind: str, decide: Decide) -> bool:
        """Break one command, run it again unless it came to its end, and check; return whether anything broke it."""
        ran = lab.run(*command, decide=decide)
        count = self.counts[" ".join(command), kind]
        where = f"{ran.killed} ({ran.killed.number})" if ran.killed else f"{ran.broken} calls"
        said = [] if ran.killed else self._ended(ran, count)
        if ran.killed or ran.code:
            said += self._ended(lab.run(*command), count)
        said += check(lab)
        if not ran.broken and not said:
            return False
        count.points += ran.broken
        print(f"{' '.join(command)}: {kind} {where}: {said or 'well'}", file=sys.stderr, flush=True)
        count.wrong += [f"{' '.join(command)}, {kind} {where}: {each}" for each in said]
        return ran.killed is not None

    @staticmethod
    def _ended(ran: Ran, count: Count) -> list[str]:
        count.longest = max(count.longest, ran.seconds)
        return [] if ran.code == 0 else [f"exit code {ran.code}: {ran.output[-1500:]}"]


def measure(which: set[str], *, every: int, minutes: float) -> Sweep:
    """Break the commands of these names."""
    sweep = Sweep(every=every, minutes=minutes)
    with faulty_lab(small_settings) as lab:
        if "up" in which:
            sweep.pairs(lab, (("up",), stands), (("down",), gone))
        if which & {"pause", "seats"}:
            ran = lab.run("up")
            if ran.code != 0:
                sys.exit(f"The lab did not come up:\n{ran.output}")
            put_work(lab)
        if "pause" in which:
            sweep.pairs(lab, (("pause",), paused), (("resume",), stands_with_work))
        if "seats" in which:
            sweep.pairs(lab, (("seats", "add", "bob"), stands_with_bob), (("seats", "remove", "bob"), stands_with_work))
            sweep.pairs(lab, (("seats", "rebuild", "ada"), stands_with_work))
    return sweep


def main() -> None:
    """Measure, print the table or JSON; exit code 1 if anything went wrong."""
    parser = argparse.ArgumentParser(prog="./lab bench faults", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="*",
        choices=("up", "pause", "seats"),
        default=["up", "pause", "seats"],
        help="with `down`, `resume`",
    )
    parser.add_argument("--every", type=int, default=1, help="kill at every so many calls (default: %(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=300, help="begin nothing more after these (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    counts = measure(set(options.only), every=options.every, minutes=options.minutes).counts
    wrong = [each for count in counts.values() for each in count.wrong]
    if options.json:
        print(json.dumps([{"command": c, "fault": f, **vars(count)} for (c, f), count in counts.items()], indent=2))
    else:
        lines = [["", "fault", "points", "wrong", "longest, s"]]
        for (command, fault), count in counts.items():
            lines.append([command, fault, str(count.points), str(len(count.wrong)), f"{count.longest:.0f}"])
        tables.show(lines)
        print(*wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
