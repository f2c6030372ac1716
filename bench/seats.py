"""How a class grows: `./lab bench seats` deploys labs of 1, 10, 50 and 100 seats on an embedded AWS of their own.

For each size: seconds of `cdk synth`, `./lab up` and `./lab down`, and the most memory that the embedded AWS had with
all it runs (resident, so what processes share counts for each of them). Ratios are over the first size.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import psutil

from bench.support import commands, curves, tables
from bench.support.sampler import Sampler
from cli import paths
from embedded_aws import gateway

_NAME = "bench"
_SAMPLE_SECONDS = 0.5


@dataclass
class Row:
    """One size of class."""

    seats: int
    synth_seconds: float
    up_seconds: float
    down_seconds: float
    memory_mb: float


class Memory(Sampler):
    """Samples the memory of the embedded AWS in a home folder while the `with` block runs; `most` in bytes."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.most = 0
        super().__init__(self._sample, every=_SAMPLE_SECONDS)

    def _sample(self) -> None:
        running = gateway.running(self._home)
        if running:
            self.most = max(self.most, _resident(running.pid))


def measure(seats: int, folder: Path) -> Row:
    """Deploy a lab of so many seats, and take it down again. Raises CalledProcessError if a command fails."""
    home = folder / f"lab-{seats}"
    settings = ["-c", f"lab.name={_NAME}", "-c", f"lab.seats={seats}"]
    synth = [str(paths.CDK), "synth", "--quiet", "--no-notices", "--output", str(folder / f"cdk-{seats}"), *settings]
    lab, environment = [sys.executable, "-m", "cli"], {"BRICKLAB_HOME": str(home)}
    with Memory(home / "aws") as memory:
        try:
            synthesised = commands.seconds(synth)
            deployed = commands.seconds([*lab, "up", *settings], environment)
            destroyed = commands.seconds([*lab, "down", *settings], environment)
        finally:
            gateway.stop(home / "aws")
    return Row(seats, synthesised, deployed, destroyed, memory.most / 1e6)


def _resident(pid: int) -> int:
    total = 0
    try:
        process = psutil.Process(pid)
        for member in [process, *process.children(recursive=True)]:
            try:
                total += member.memory_info().rss
            except psutil.NoSuchProcess:
                continue
    except psutil.NoSuchProcess:
        return 0
    return total


def _lines(rows: list[Row]) -> list[list[str]]:
    """Return the table, its heads first."""
    lines = [["seats", "synth s", "x", "up s", "x", "down s", "x", "memory MB", "x"]]
    first = astuple(rows[0])
    for row in rows:
        seats, *measured = astuple(row)
        pairs = zip(measured, first[1:], strict=True)
        lines.append([str(seats), *(text for now, then in pairs for text in (f"{now:.1f}", f"{now / then:.2f}"))])
    return lines


def _charts(rows: list[Row]) -> list[curves.Chart]:
    commands = {what: {row.seats: getattr(row, f"{what}_seconds") for row in rows} for what in ("synth", "up", "down")}
    memory = {"embedded AWS": {row.seats: row.memory_mb for row in rows}}
    return [
        curves.Chart(name="seats-seconds", title="Commands", x="seats", y="seconds", series=commands),
        curves.Chart(name="seats-memory", title="Memory", x="seats", y="MB", series=memory),
    ]


def main() -> None:
    """Measure, print the table or JSON, draw the curves."""
    parser = argparse.ArgumentParser(prog="./lab bench seats", description=__doc__)
    parser.add_argument("--seats", default="1,10,50,100", help="sizes of class, with commas (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=paths.HOME / "bench", help="folder of the curves")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seats in (int(text) for text in options.seats.split(",")):
            print(f"{seats} seats …", file=sys.stderr, flush=True)
            rows.append(measure(seats, Path(folder)))
    title, lines = f"A class, {os.cpu_count()} cores", _lines(rows)
    page = curves.write(options.output, "seats", title=title, table=lines, charts=_charts(rows))
    print(f"Curves: {page}", file=sys.stderr)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    tables.show(lines, title=title)


if __name__ == "__main__":
    main()
