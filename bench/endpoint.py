"""Measure an endpoint under load: `./lab bench endpoint` compares its host with flask + gunicorn + SavedModel + json.

Both serve the artifact that train.py wrote with as many worker processes, in the Python and with the TensorFlow of the
inference image, on this machine, which the callers share: each asks anew as soon as it has its answer. First 1 to 256
callers, each number once on each side, one after the other; then rounds of 32 callers, of which the medians count. What
InvokeEndpoint adds is the difference between the medians of one caller who asks the host and one who asks the embedded
AWS with boto3's own request. Memory is that of processes that have answered, with what they share counted once.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from bench.support import artifact, curves, endpoint, requests, tables
from bench.support.callers import Load, load
from bench.support.embedded_aws import embedded_aws
from bench.support.interpreters import python_of_endpoint
from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS, _PEER = "Bricklab", "flask + gunicorn"
_WORKERS = 2
_CALLERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_COMPARED = 32
_KINDS = {"JSON": requests.JSON, "x-npy": requests.NPY}

Loads = dict[str, dict[str, dict[int, list[Load]]]]  # by kind, side and number of callers


@dataclass
class Outcome:
    """All that was measured."""

    loads: Loads = field(default_factory=dict)
    adds_ms: dict[str, float] = field(default_factory=dict)
    megabytes: dict[str, float] = field(default_factory=dict)


@contextmanager
def flask(model: Path) -> Iterator[int]:
    """Run the peer; its port. One thread a worker is its fastest: more of them only fight over the interpreter."""
    port = gateway.any_free_port()
    options = f"--bind 127.0.0.1:{port} --workers {_WORKERS} --worker-class gthread --threads 1 --keep-alive 3600"
    process = subprocess.Popen(
        [python_of_endpoint("flask", "gunicorn"), "-m", "gunicorn", *options.split(), "bench.peers.flask_app:app"],
        cwd=paths.ROOT,
        env={**tool_environment(), "MODEL": str(model), "OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(port):
            if process.poll() is not None:
                sys.exit("gunicorn did not start.")
            time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=60):
            return True
    except (urllib.error.URLError, OSError):
        return False


def measure(folder: Path, *, rounds: int, seconds: float) -> Outcome:
    """Measure everything once, the comparison in `rounds` rounds of `seconds`."""
    outcome = Outcome()
    bodies = requests.bodies()
    model = artifact.make(folder)
    with embedded_aws() as aws:
        host = endpoint.serve(aws, model, workers=_WORKERS)
        idle = psutil.Process(aws.pid)
        with flask(model) as peer:
            ports = {_OURS: host.port, _PEER: peer}
            for kind, content_type in _KINDS.items():
                request = requests.to_host(content_type, bodies[content_type])
                outcome.loads[kind] = _loads(kind, ports, request, rounds=rounds, seconds=seconds)
        for kind, content_type in _KINDS.items():
            direct = requests.to_host(content_type, bodies[content_type])
            invoke = requests.to_endpoint(aws.url, endpoint.NAME, content_type, bodies[content_type])
            medians = [
                load(port, request, callers=1, seconds=seconds).median_ms
                for _ in range(rounds)
                for port, request in ((host.port, direct), (aws.port, invoke))
            ]
            outcome.adds_ms[kind] = statistics.median(medians[1::2]) - statistics.median(medians[::2])
        outcome.megabytes = {"endpoint": host.megabytes(), "gateway": endpoint.megabytes(idle)}
    return outcome


def _loads(
    kind: str, ports: dict[str, int], request: bytes, *, rounds: int, seconds: float
) -> dict[str, dict[int, list[Load]]]:
    loads: dict[str, dict[int, list[Load]]] = {side: {} for side in ports}
    plan = [*(count for count in _CALLERS if count != _COMPARED), *[_COMPARED] * rounds]
    for callers in plan:
        print(f"{kind}, {callers} callers …", file=sys.stderr, flush=True)
        for side, port in ports.items():
            loads[side].setdefault(callers, []).append(load(port, request, callers=callers, seconds=seconds))
    return loads


def _table(outcome: Outcome) -> list[list[str]]:
    rows = [["32 callers", "requests/s", "p50 ms", "p99 ms", "not 200", "x"]]
    for kind, sides in outcome.loads.items():
        slowest = _median(sides[_PEER][_COMPARED], "per_second")
        for side, by_callers in sides.items():
            loads = by_callers[_COMPARED]
            speed = _median(loads, "per_second")
            times = [f"{_median(loads, name):.1f}" for name in ("median_ms", "p99_ms")]
            failed = str(sum(each.failed for each in loads))
            rows.append([f"{kind}, {side}", f"{speed:,.0f}", *times, failed, f"{speed / slowest:.1f}"])
    return rows


def _median(loads: list[Load], member: str) -> float:
    return float(statistics.median(getattr(each, member) for each in loads))


def _charts(loads: Loads) -> list[curves.Chart]:
    members = {"per_second": "requests a second", "p99_ms": "99 % are answered within, ms"}
    return [
        curves.Chart(
            name=f"endpoint-{member.partition('_')[0]}",
            title=title.capitalize(),
            x="callers at once",
            y=title,
            series={
                f"{side}, {kind}": {callers: _median(each, member) for callers, each in sorted(by_callers.items())}
                for kind, sides in loads.items()
                for side, by_callers in sides.items()
            },
        )
        for member, title in members.items()
    ]


def _show(outcome: Outcome, page: Path) -> None:
    title = f"endpoint, {_WORKERS} workers, {os.cpu_count()} cores shared with the callers"
    tables.show(_table(outcome), title=title)
    for kind, milliseconds in outcome.adds_ms.items():
        print(f"InvokeEndpoint adds {milliseconds:.2f} ms to a call with {kind}")
    for name, megabytes in outcome.megabytes.items():
        print(f"memory of the {name}: {megabytes:.0f} MB")
    print(f"curves: {page}")


def main() -> None:
    """Measure, draw, print."""
    parser = argparse.ArgumentParser(prog="./lab bench endpoint", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of the comparison (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="that each load lasts (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=paths.HOME / "bench", help="folder of the curves")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = measure(Path(folder), rounds=options.rounds, seconds=options.seconds)
    page = curves.write(
        options.output,
        "endpoint",
        title="The endpoint under load",
        table=_table(outcome),
        charts=_charts(outcome.loads),
    )
    if options.json:
        print(json.dumps(asdict(outcome), indent=2))
    else:
        _show(outcome, page)


if __name__ == "__main__":
    main()
