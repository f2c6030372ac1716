"""Retrain a lab: `./lab bench retraining` counts the worse models that its gate stops, and times a better one's way.

First a lab of few photos, which approves by itself: many more are put into its bucket, and the clock runs from the
first of them until the endpoint answers with another model. Then a lab of rendered bricks, twenty times: the labels
that it learns from are made up, another share of them each time, and `./lab retrain` is run. Every wait is as long as
on AWS.
Exit code 1: a worse model got past the gate, or the better one did not come to serve.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.support import photos, tables
from bench.support.commands import seconds as seconds_of
from bench.support.embedded_aws import EmbeddedAws
from cli import paths
from cli.programs import tool_environment
from datasets import ensure
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = "bench"
_FEW, _MANY = 100, 400  # photos
_EVERY = 5  # so manieth of the rendered bricks
_SECONDS = 900
_STOPPED = "stopped"


@dataclass
class Outcome:
    """What was counted and timed; seconds are of a run of `./lab retrain`, and of the new photos' way to an answer."""

    stopped: int = 0
    passed: list[str] = field(default_factory=list)
    run_seconds: list[float] = field(default_factory=list)
    photos_seconds: float | None = None


class _Lab:
    """A deployed lab, its commands and its account."""

    def __init__(self, home: Path, settings: list[str]) -> None:
        self._home, self._settings = home, settings
        self._command([*self._words("up")])
        running = gateway.running(home / "aws")
        if running is None:
            sys.exit("The embedded AWS has ended.")
        self.aws = EmbeddedAws(running)
        stacks = self.aws.client("cloudformation").describe_stacks()["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for stack in stacks for each in stack.get("Outputs", [])}
        self.bucket, self.endpoint = outputs["BucketName"], outputs["EndpointName"]

    def retrain(self) -> dict[str, Any]:
        """Run `./lab retrain`; return what it tells a program. A run that goes on already is followed."""
        done = subprocess.run(
            self._words("retrain", "--json"),
            cwd=paths.ROOT,
            env={**tool_environment(), "BRICKLAB_HOME": str(self._home)},
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            return dict(json.loads(done.stdout))
        except ValueError:
            sys.exit(f"`./lab retrain` failed:\n{done.stdout}{done.stderr}")

    def put(self, key: str, body: bytes) -> None:
        """Put an object into the bucket."""
        self.aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)

    def answers(self) -> str:
        """Return the hash of the model that answers."""
        body = io.BytesIO()
        np.save(body, np.zeros((48, 48), np.uint8))
        answer = self.aws.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.endpoint, ContentType="application/x-npy", Body=body.getvalue()
        )
        return str(json.loads(answer["Body"].read())["model"])

    def _command(self, words: list[str]) -> float:
        return seconds_of(words, {"BRICKLAB_HOME": str(self._home)})

    def _words(self, name: str, *more: str) -> list[str]:
        common = [f"lab.name={_NAME}", "lab.seats=0", "lab.retraining=true", "lab.gate_per_class=1", *self._settings]
        return [sys.executable, "-m", "cli", name, *more, *(word for each in common for word in ("-c", each))]


@contextmanager
def _lab(folder: Path, settings: list[str]) -> Iterator[_Lab]:
    try:
        yield _Lab(folder / "home", settings)
    finally:
        gateway.stop(folder / "home" / "aws")


def measure(runs: int) -> Outcome:
    """Return what came of so many worse models, and of one that is better."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        outcome.photos_seconds = _new_photos(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        _worse_models(Path(folder), runs, outcome)
    return outcome


def _new_photos(folder: Path) -> float | None:
    """Return the seconds from the first new photo to another model's answer, None if none came."""
    everything = photos.ensure(_MANY, cache=paths.cache() / "datasets")
    few = folder / "photos"
    files = sorted(each.relative_to(everything) for each in everything.rglob("*.*"))
    first = [each for each in files if int(each.stem) < _FEW]
    for each in first:
        (few / each).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(everything / each, few / each)
    with _lab(folder, [f"lab.photos={few}", "lab.approval=automatic"]) as lab:
        before, began = lab.answers(), time.monotonic()
        for each in files:
            if each not in first:
                lab.put(f"photos/{each.as_posix()}", (everything / each).read_bytes())
        while time.monotonic() - began < _SECONDS:
            if lab.answers() != before:
                return time.monotonic() - began
            time.sleep(0.2)
    return None


def _worse_models(folder: Path, runs: int, outcome: Outcome) -> None:
    data = folder / "data"
    data.mkdir()
    arrays = {each.name: np.load(each)[::_EVERY] for each in ensure(cache=paths.cache() / "datasets").glob("*.npy")}
    for name, array in arrays.items():
        np.save(data / name, array)
    name = "lego-simple-train-labels.npy"
    with _lab(folder, [f"lab.data={data}"]) as lab:
        for number in range(runs):
            rng = np.random.default_rng(number)
            labels = arrays[name].copy()
            made_up = rng.random(len(labels)) < rng.uniform(0.5, 1)
            labels[made_up] = rng.integers(0, 10, made_up.sum())
            body = io.BytesIO()
            np.save(body, labels)
            lab.put(f"data/{name}", body.getvalue())
            began = time.monotonic()
            came_to = lab.retrain()
            outcome.run_seconds.append(time.monotonic() - began)
            if came_to["outcome"] == _STOPPED:
                outcome.stopped += 1
            else:
                outcome.passed.append(f"{number}: {came_to['sentence']}")
            print(f"{number + 1} of {runs}: {came_to['sentence']}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print the table or JSON."""
    parser = argparse.ArgumentParser(prog="./lab bench retraining", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="worse models (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    outcome = measure(options.runs)
    if options.json:
        print(json.dumps(asdict(outcome), indent=2))
    else:
        timed = "never" if outcome.photos_seconds is None else f"{outcome.photos_seconds:.1f} s"
        lines = [
            ["", ""],
            ["worse models stopped at the gate", f"{outcome.stopped} of {options.runs}"],
            [f"{_MANY - _FEW} new photos to the new model's answer", timed],
            ["a run of ./lab retrain", f"{np.median(outcome.run_seconds):.1f} s"],
        ]
        tables.show(lines, title=f"{os.cpu_count()} cores")
        for each in outcome.passed:
            print(f"not stopped: {each}")
    sys.exit(bool(outcome.passed) or outcome.photos_seconds is None)


if __name__ == "__main__":
    main()
