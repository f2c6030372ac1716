"""A lab of a benchmark's own whose commands ask AWS through a proxy in which calls go wrong."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.support.embedded_aws import EmbeddedAws
from bench.support.faulty_proxy import Call, Fault, FaultyProxy
from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Decide = Callable[[Call], Fault]

_LONGEST_SECONDS = 900  # that a command may take, whatever AWS does
_SHARE, _LATE_SHARE = 0.2, 0.02


@dataclass(frozen=True)
class Ran:
    """How a command ended: `code` is None if it took too long, `killed` the call that it was killed at.

    `broken` is how many calls went wrong.
    """

    code: int | None
    output: str
    seconds: float
    killed: Call | None
    broken: int


class FaultyLab:
    """`./lab` on an embedded AWS of its own, which it takes for AWS."""

    def __init__(self, home: Path, aws: EmbeddedAws, proxy: FaultyProxy, settings: tuple[str, ...]) -> None:
        self.aws, self._proxy, self._settings = aws, proxy, settings
        self.environment: Mapping[str, str] = {
            **tool_environment(),
            **aws.environment,
            "AWS_ENDPOINT_URL": proxy.url,
            "BRICKLAB_HOME": str(home),
            "CDK_VALIDATION": "false",
            "COLUMNS": "200",
        }

    def run(self, *command: str, decide: Decide = lambda _: Fault.NONE) -> Ran:
        """Run a command to its end, or until it is killed."""
        killed: list[Call] = []
        broken = 0

        def decided(call: Call) -> Fault:
            nonlocal broken
            if killed:
                return Fault.KILL_BEFORE
            fault = decide(call)
            if fault in {Fault.KILL_BEFORE, Fault.KILL_AFTER}:
                killed.append(call)
            broken += fault is not Fault.NONE
            return fault

        with tempfile.TemporaryFile() as output:
            started = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-m", "cli", *command, "--target", "aws", *self._settings],
                cwd=paths.ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            self._proxy.begin(decided, lambda: _kill(process))
            try:
                code: int | None = process.wait(_LONGEST_SECONDS)
            except subprocess.TimeoutExpired:
                _kill(process)
                process.wait()
                code = None
            seconds = time.monotonic() - started
            output.seek(0)
            said = output.read().decode(errors="replace")
        self._proxy.begin(lambda _: Fault.NONE)
        return Ran(code, said, seconds, killed[0] if killed else None, broken)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command with all that it has started, at once, as a machine that goes down does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def at(number: int, fault: Fault) -> Decide:
    """Let one call go wrong: the one of this number among those that may change something."""
    return lambda call: fault if call.number == number else Fault.NONE


def answers_lost() -> Decide:
    """Lose the answer to each call that may change something, once."""
    lost: set[tuple[str, bytes]] = set()

    def decide(call: Call) -> Fault:
        known = str(call), call.content
        if not call.number or known in lost:
            return Fault.NONE
        lost.add(known)
        return Fault.LOSE

    return decide


def throttled(seed: int) -> Decide:
    """Refuse a fifth of all calls, half of them as too many and half as AWS's trouble, and answer some seconds late."""
    chance = random.Random(seed)  # noqa: S311 - chance, and no secret

    def decide(_: Call) -> Fault:
        drawn = chance.random()
        if drawn < _SHARE:
            return chance.choice([Fault.THROTTLE, Fault.TROUBLE])
        return Fault.LATE if drawn < _SHARE + _LATE_SHARE else Fault.NONE

    return decide


@contextmanager
def faulty_lab(settings: Callable[[Path], tuple[str, ...]]) -> Iterator[FaultyLab]:
    """Let there be one while the block runs; `settings` are options of every command, made in its folder."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = tool_environment()
        running = gateway.start(
            home / "aws", cache=paths.cache(), environment=environment, pace=0.1, port=0, owner=os.getpid()
        )
        try:
            with FaultyProxy(running.url) as proxy:
                yield FaultyLab(home, EmbeddedAws(running), proxy, settings(home))
        finally:
            gateway.stop(home / "aws")
