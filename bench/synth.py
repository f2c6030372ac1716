"""Synthesis: `./lab bench synth` times `cdk synth` of labs of 1 and 100 seats, and of an app with nothing in it.

The whole command, CDK CLI and Python; in each round every app has its turn, one after the other; medians. `x` is over
the empty app, a Python CDK app whose one stack holds a wait condition's handle, which is nothing: CloudFormation
takes no stack without a resource.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from bench.support import commands, tables
from cli import paths

_EMPTY = """from aws_cdk import App, CfnWaitConditionHandle, Stack
app = App()
CfnWaitConditionHandle(Stack(app, "empty"), "nothing")
app.synth()
"""
_APPS = {"empty": None, "1 seat": 1, "100 seats": 100}


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each app in each round; a round before them, which warms caches up, is left out."""
    seconds: dict[str, list[float]] = {name: [] for name in _APPS}
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text(_EMPTY)
        for number in range(rounds + 1):
            print(f"round {number} of {rounds} …", file=sys.stderr, flush=True)
            for name, seats in _APPS.items():
                app = ["-c", f"lab.seats={seats}"] if seats else ["--app", f"{sys.executable} {empty}"]
                taken = _synth(app, Path(folder) / name)
                if number:
                    seconds[name].append(taken)
    return seconds


def _synth(app: list[str], output: Path) -> float:
    command = [str(paths.CDK), "synth", "--quiet", "--no-notices", "--output", str(output), *app]
    return commands.seconds(command)


def main() -> None:
    """Measure, print the table or JSON."""
    parser = argparse.ArgumentParser(prog="./lab bench synth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    seconds = measure(options.rounds)
    if options.json:
        print(json.dumps(seconds, indent=2))
        return
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    rows = ([name, f"{median:.2f}", f"{median / medians['empty']:.2f}"] for name, median in medians.items())
    tables.show([["app", "seconds", "x"], *rows], title=f"cdk synth, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
