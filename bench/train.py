"""Training: `./lab bench train` times an epoch of the lab's loops against Keras's `fit` as every tutorial has it.

The lab's images, repeated until there are enough; batches of 32, one batch to validate with. Every training is a
process of its own. In each round every way has its turn, one after the other; an epoch's milliseconds are the median of
a process's epochs but the first, which compiles, and then of the rounds. `first s` is what the first epoch takes
longer, `weights` the largest difference, after two epochs, from the tutorial's loop over the images in the lab's order
(JAX begins with other weights, so it is not compared), `nudged` the one that this very loop ends with when its first
weights are moved by their last bit: what rounding alone makes of so many steps.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.support import curves, tables
from bench.support.embedded_aws import IMAGE
from bench.support.interpreters import python_with
from cli import paths
from cli.programs import tool_environment
from datasets import ensure

_SCRIPT = paths.ROOT / "bench" / "scripts" / "epochs.py"
_TEXTBOOK, _ORDERED, _NUDGED = "textbook", "ordered", "nudged"
WAYS = {_TEXTBOOK: "tensorflow", "fit": "tensorflow", "custom": "tensorflow", "jax": "jax"}
_SEEN = 60_000  # images in all epochs of a training that is worth compiling: the lab's own rule
_EPOCHS = 4  # at least
_HEADS = ("images", "way", "epoch ms", "x", "first s", "weights", "nudged")


@dataclass
class Row:
    """One way to train on so many images: of each round, milliseconds an epoch and seconds more for the first one."""

    images: int
    way: str
    milliseconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    difference: float | None = None
    nudged: float | None = None

    @property
    def epoch(self) -> float:
        """Milliseconds, the median of the rounds."""
        return statistics.median(self.milliseconds)


def measure(sizes: list[int], rounds: int, ways: list[str]) -> list[Row]:
    """Train in every way on every number of images."""
    data, rows = ensure(cache=paths.cache() / "datasets"), []
    with tempfile.TemporaryDirectory() as folder:
        for images in sizes:
            rows += (these := [Row(images, way) for way in ways])
            for number in range(rounds):
                print(f"{images:,} images, round {number + 1} of {rounds} …", file=sys.stderr, flush=True)
                for row in these:
                    seconds = _train(row.way, images, data, Path(folder) / f"{row.way}.npz")
                    usual = statistics.median(seconds[1:])
                    row.milliseconds.append(1000 * usual)
                    row.first.append(seconds[0] - usual)
            for way in (_ORDERED, _NUDGED):
                _train(way, images, data, Path(folder) / f"{way}.npz")
            for row in these:
                if row.way != _TEXTBOOK and WAYS[row.way] == WAYS[_TEXTBOOK]:
                    row.difference = _difference(Path(folder), row.way)
                    row.nudged = _difference(Path(folder), _NUDGED)
    return rows


def _train(way: str, images: int, data: Path, weights: Path) -> list[float]:
    epochs = max(_EPOCHS, -(-_SEEN // images))
    python = python_with(WAYS.get(way, WAYS[_TEXTBOOK]))
    command = [str(part) for part in (python, _SCRIPT, way, images, epochs, data, weights)]
    environment = {**tool_environment(), "PYTHONPATH": str(paths.ROOT / "model_code")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{way} with {images} images failed:\n{done.stderr}")
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def _difference(folder: Path, way: str) -> float:
    """Return the largest difference of any weight from the textbook's loop in the lab's order."""
    with np.load(folder / f"{_ORDERED}.npz") as theirs, np.load(folder / f"{way}.npz") as ours:
        return float(max(np.abs(theirs[name] - ours[name]).max() for name in theirs.files))


def _table(rows: list[Row]) -> list[list[str]]:
    slowest = {row.images: row.epoch for row in rows if row.way == _TEXTBOOK}
    return [
        [
            f"{row.images:,}",
            row.way,
            f"{row.epoch:.1f}",
            f"{slowest[row.images] / row.epoch:.1f}",
            f"{statistics.median(row.first):.1f}",
            *("" if each is None else f"{each:.0e}" for each in (row.difference, row.nudged)),
        ]
        for row in rows
    ]


def _chart(rows: list[Row]) -> curves.Chart:
    series: dict[str, dict[int, float]] = {}
    for row in rows:
        series.setdefault(row.way, {})[row.images] = row.epoch
    return curves.Chart(name="train", title="An epoch's time", x="images", y="milliseconds", series=series)


def main() -> None:
    """Measure, print the table or JSON, draw the curves where asked."""
    parser = argparse.ArgumentParser(prog="./lab bench train", description=__doc__)
    parser.add_argument("--images", default="480,6000,60000", help="sizes, with commas (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is timed (default: %(default)s)")
    parser.add_argument("--ways", default=",".join(WAYS), help="with commas (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=paths.HOME / "bench", help="folder of the curves")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    rows = measure([int(size) for size in options.images.split(",")], options.rounds, options.ways.split(","))
    title = f"Epochs on {os.cpu_count()} cores, {IMAGE}"
    lines = [list(_HEADS), *_table(rows)]
    page = curves.write(options.output, "train", title=title, table=lines, charts=[_chart(rows)])
    print(f"Curves: {page}", file=sys.stderr)
    if options.json:
        print(json.dumps([row.__dict__ for row in rows], indent=2))
        return
    tables.show(lines, title=title)


if __name__ == "__main__":
    main()
