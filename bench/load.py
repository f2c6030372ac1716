"""Put an endpoint under mixed load: `./lab bench load` asks it for ten minutes, one time in twenty with what is wrong.

32 callers use boto3: JSON and arrays of 1 to 64 pictures, PNG and JPEG, and requests that hypothesis thought up from a
seed. A right request is answered with as many predictions. A wrong one is answered too, if it happens to be right, or
refused: by InvokeEndpoint with ValidationError, or by the lab's handlers with one of their sentences, which AWS's
container sends as a 500 and InvokeEndpoint as ModelError. Anything else is a fault of ours. Memory and open file
descriptors of host and gateway are looked at twice a second; the first quarter of the time they may warm up. What the
endpoint logs is deleted as it goes: the account would keep it, in the gateway's memory. Exit code 1: there were faults,
or something grew.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from botocore.config import Config

from bench.support import artifact, curves, endpoint, invocations, logs, tables
from bench.support.embedded_aws import embedded_aws
from bench.support.footprint import Curve, Footprint
from cli import paths

if TYPE_CHECKING:
    from bench.support.embedded_aws import EmbeddedAws

_CALLERS, _WORKERS, _WRONG_SHARE = 32, 2, 0.05
_WRONG_KINDS = 1000  # requests thought up
_EVERY_SECONDS = 0.5


@dataclass
class Outcome:
    """All that was counted: how often each answer was given to what, the faults, and the memory."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    curves: dict[str, Curve] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Return whether there was no fault and nothing grew."""
        return not self.faults and all(held.flat for curve in self.curves.values() for held in curve.held.values())


class Callers:
    """Ask until the time is over."""

    def __init__(self, aws: EmbeddedAws, *, seed: int) -> None:
        settings = Config(max_pool_connections=_CALLERS, retries={"total_max_attempts": 1})
        self._runtime = aws.client("sagemaker-runtime", config=settings)
        self._right = invocations.right()
        smallest = {request.content_type: request.body for request, _ in reversed(self._right)}
        self._wrong = invocations.wrong(_WRONG_KINDS, seed_=seed, right=smallest)
        self._seed = seed
        self._lock = threading.Lock()
        self.outcome = Outcome()

    def run(self, seconds: float) -> None:
        """All of them at once, each with choices of its own."""
        end = time.monotonic() + seconds
        with ThreadPoolExecutor(_CALLERS) as threads:
            for done in [threads.submit(self._ask_until, end, self._seed + number) for number in range(_CALLERS)]:
                done.result()

    def _ask_until(self, end: float, seed: int) -> None:
        choice = random.Random(seed)  # noqa: S311 - the same ones for the same seed, no secret
        while time.monotonic() < end:
            if choice.random() < _WRONG_SHARE:
                request, predictions = choice.choice(self._wrong), None
            else:
                request, predictions = choice.choice(self._right)
            kind = "wrong" if predictions is None else request.content_type
            asked = {"EndpointName": endpoint.NAME, "ContentType": request.content_type, "Body": request.body}
            answer, fault = invocations.ask(self._runtime, {**asked, **request.more}, predictions)
            with self._lock:
                self.outcome.answers[kind, answer] += 1
                if fault:
                    self.outcome.faults.append(f"{kind}, {len(request.body)} bytes {request.body[:60]!r}: {fault}")


def measure(*, seconds: float, seed: int) -> Outcome:
    """Ask an endpoint with the lab's model for so long."""
    with tempfile.TemporaryDirectory() as folder, embedded_aws() as aws:
        host = endpoint.serve(aws, artifact.make(Path(folder)), workers=_WORKERS)
        callers = Callers(aws, seed=seed)
        groups = {"host": host.processes, "gateway": [psutil.Process(aws.pid)]}
        print(f"{_CALLERS} callers for {seconds:.0f} s …", file=sys.stderr, flush=True)
        with Footprint(groups, every=_EVERY_SECONDS) as footprint, logs.emptied(aws.client("logs"), endpoint.NAME):
            callers.run(seconds)
        callers.outcome.curves = footprint.curves
        return callers.outcome


def _table(outcome: Outcome) -> list[list[str]]:
    rows = [["", "start", "end", ""]]
    for name, curve in outcome.curves.items():
        for what, held in curve.held.items():
            verdict = "flat" if held.flat else "grew"
            rows.append([f"{name}, {what}", f"{held.start:,.0f}", f"{held.end:,.0f}", verdict])
    return rows


def _chart(outcome: Outcome) -> curves.Chart:
    return curves.Chart(
        name="load-memory",
        title="Memory under mixed load",
        x="seconds",
        y="MB",
        series={name: curve.megabytes for name, curve in outcome.curves.items()},
        linear=True,
    )


def _show(outcome: Outcome, seconds: float, page: Path) -> None:
    total = sum(outcome.answers.values())
    answers = ([kind, answer, f"{times:,}"] for (kind, answer), times in sorted(outcome.answers.items()))
    tables.show([["request", "answer", "times"], *answers], title=f"{total / seconds:,.0f} requests a second")
    tables.show(_table(outcome))
    for fault in outcome.faults[:10]:
        print(f"fault: {fault}")
    print(f"faults: {len(outcome.faults)}\ncurves: {page}")


def main() -> None:
    """Ask, draw, print; exit code 1 for faults and growth."""
    parser = argparse.ArgumentParser(prog="./lab bench load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="that it lasts (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the wrong requests and the order (default: %(default)s)"
    )
    parser.add_argument("--output", type=Path, default=paths.HOME / "bench", help="folder of the curves")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    seconds = options.minutes * 60
    outcome = measure(seconds=seconds, seed=options.seed)
    title = "The endpoint under mixed load"
    page = curves.write(options.output, "load", title=title, table=_table(outcome), charts=[_chart(outcome)])
    if options.json:
        answers = [{"request": kind, "answer": answer, "times": n} for (kind, answer), n in outcome.answers.items()]
        held = {row[0]: {"start": row[1], "end": row[2], "verdict": row[3]} for row in _table(outcome)[1:]}
        print(json.dumps({"answers": answers, "faults": outcome.faults, "held": held}, indent=2))
    else:
        _show(outcome, seconds, page)
    sys.exit(not outcome.good)


if __name__ == "__main__":
    main()
