"""Training on two hosts: `./lab bench hosts` trains with model_code/train.py on one host and on two, side by side.

A host is a process that has one core of this machine to itself: bound to it where the system can do that, and with one
TensorFlow thread within an operation and one between them. So two hosts have twice what one has, as on AWS, where each
has a machine of its own; what they tell each other goes over the loopback, faster than over AWS's network. Throughput
is that of the epochs after the first, in which TensorFlow still makes its graphs; the validation counts. Seconds are
those of the whole job, start and artifact included. In each round every case runs once, one after the other; medians.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.support import noise, tables
from cli import paths
from cli.programs import tool_environment

_TRAIN = paths.ROOT / "model_code" / "train.py"
_ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
_IMAGES, _TEST_IMAGES = 4096, 256


@dataclass(frozen=True)
class Work:
    """A training: its network, batch size and epochs."""

    name: str
    hidden_units: str
    batch_size: int
    epochs: int


@dataclass
class Case:
    """One work on so many hosts, with what each round measured."""

    work: Work
    hosts: int
    images_per_second: list[float]
    seconds: list[float]


_WORKS = (Work("the lab's own", "128", 32, 5), Work("a large one", "2048,1024", 2048, 5))


def measure(case: Case, data: Path) -> None:
    """Run the training once. Ends the bench if it fails."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        addresses = _addresses(case.hosts)
        hosts = [_start(case, data, Path(folder), index, addresses) for index in range(case.hosts)]
        ends = _epoch_ends(hosts[0])
        codes = [host.wait() for host in hosts]
    if any(codes):
        sys.exit(f"train.py ended with {codes} on {case.hosts} hosts.")
    case.seconds.append(time.monotonic() - started)
    case.images_per_second.append(_IMAGES * (len(ends) - 1) / (ends[-1] - ends[0]))


def _start(case: Case, data: Path, folder: Path, index: int, addresses: list[str]) -> subprocess.Popen[str]:
    work, place = case.work, folder / str(index)
    place.mkdir()
    flags = {
        "training": data,
        "artifact_dir": place,
        "output_data_dir": place,
        "hidden_units": work.hidden_units,
        "batch_size": work.batch_size,
        "epochs": work.epochs,
        "loop": "custom",  # on two hosts it is, and so they are alike
    }
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    process = subprocess.Popen(
        [sys.executable, str(_TRAIN), *(f"--{name}={value}" for name, value in flags.items())],
        env={**tool_environment(), **_ONE_THREAD, **({"TF_CONFIG": json.dumps(config)} if case.hosts > 1 else {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(process.pid, {cores[index % len(cores)]})
    return process


def _epoch_ends(chief: subprocess.Popen[str]) -> list[float]:
    """When each epoch's line came."""
    return [time.monotonic() for line in chief.stdout or () if line.startswith("epoch=")]


def _addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


def _show(cases: list[Case], rounds: int) -> None:
    title = f"{os.cpu_count()} cores, medians of {rounds} rounds"
    lines = [["network", "units", "batch", "hosts", "images/s", "x", "job s", "+ s"]]
    for one, two in zip(cases[::2], cases[1::2], strict=True):
        alone, whole = statistics.median(one.images_per_second), statistics.median(one.seconds)
        for case in (one, two):
            speed, seconds = statistics.median(case.images_per_second), statistics.median(case.seconds)
            work = case.work
            numbers = (f"{speed:,.0f}", f"{speed / alone:.2f}", f"{seconds:.1f}", f"{seconds - whole:+.1f}")
            lines.append([work.name, work.hidden_units, str(work.batch_size), str(case.hosts), *numbers])
    tables.show(lines, title=title)
    for one, two in zip(cases[::2], cases[1::2], strict=True):
        gain = statistics.median(two.images_per_second) / statistics.median(one.images_per_second)
        verdict = "gains" if gain > 1 else "does not gain: adding up the gradients takes longer than a batch does"
        print(f"{one.work.name}: {verdict} ({gain:.2f} x)")


def main() -> None:
    """Measure, and print the table and what follows from it."""
    parser = argparse.ArgumentParser(prog="./lab bench hosts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each case runs (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    cases = [Case(work, hosts, [], []) for work in _WORKS for hosts in (1, 2)]
    with tempfile.TemporaryDirectory() as folder:
        noise.write(Path(folder), train=_IMAGES, test=_TEST_IMAGES)
        for number in range(options.rounds):
            for case in cases:
                print(f"round {number + 1}: {case.work.name}, {case.hosts} hosts …", file=sys.stderr, flush=True)
                measure(case, Path(folder))
    if options.json:
        print(json.dumps([asdict(case) for case in cases], indent=2))
    else:
        _show(cases, options.rounds)


if __name__ == "__main__":
    main()
