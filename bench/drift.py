"""Drift: `./lab bench drift` counts the monitor's alarms on bricks like those it was trained with, and on others.

A network is trained with the lab's own data. Each sample is rendered anew, of bricks that nobody has seen: 40 as they
are, of which no more may raise an alarm than the stated rate says; then darker, paler, noisier ones and such of one
class, with ever smaller shifts, until the monitor finds them in less than half of the samples. At last a run of
monitor.py over captured requests as an endpoint writes them is timed, from its start to its end. Ends with status 1 if
there are more false alarms than one in a thousand benches would have, or a large shift is not found.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.support import tables
from bench.support.interpreters import python_with
from cli import paths
from cli.programs import tool_environment
from datasets import dataset, ensure

_SCRIPT = paths.ROOT / "bench" / "scripts" / "drift.py"
_MODEL_CODE = paths.ROOT / "model_code"
_OTHER_SEED = 20261130  # of renders that neither training nor baseline has
_AT_EACH = 5  # samples, as in the script


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./lab bench drift", description=__doc__)
    parser.add_argument("--samples", type=int, default=40, help="of bricks as they are")
    parser.add_argument("--images", type=int, default=300, help="in a sample")
    parser.add_argument("--requests", type=int, default=10_000, help="captured, for the run that is timed")
    flags = parser.parse_args()
    if flags.samples < _AT_EACH:
        parser.error(f"--samples is {_AT_EACH} at least: each shift is tried on as many")
    with tempfile.TemporaryDirectory() as folder:
        found = _measure(Path(folder), flags)
    tables.show([("shift", "size", "alarms"), *([row["shift"], row["size"], row["alarms"]] for row in found["shifts"])])
    print(f"smallest shift found: {', '.join(f'{name} {size}' for name, size in found['smallest'].items())}")
    print(f"{found['requests']} requests: {found['seconds']:.1f} s for a run, {found['megabytes']:.0f} MB captured")
    if not found["as_stated"]:
        sys.exit("More alarms than stated, or a large shift that is not found.")


def _measure(folder: Path, flags: argparse.Namespace) -> dict[str, Any]:
    """Run the script in the container's Python, whose packages the monitor has."""
    data = ensure(cache=paths.cache() / "datasets")
    for kind, made in (("images", dataset.images), ("labels", dataset.labels)):
        np.save(folder / f"{kind}.npy", made("test", count=flags.samples * flags.images, seed=_OTHER_SEED))
    command = [python_with("tensorflow"), _SCRIPT, data, folder, flags.samples, flags.images, flags.requests]
    process = subprocess.run(
        [str(word) for word in command],
        env={**tool_environment(), "PYTHONPATH": str(_MODEL_CODE)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
