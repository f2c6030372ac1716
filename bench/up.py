"""From nothing to an answer: `./lab bench up` times `./lab up` of the default lab, and the first `./lab predict`.

Everything is installed, nothing runs: the embedded AWS starts anew in every round. Between the two, what the stacks
took, by CloudFormation's own times. Beside it the lab's training script by hand: the same data and hyperparameters, in
the training image's Python, against the job from its creation to its end, and against the same job in a warm pool that
its like has left some seconds ago; medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from bench.support import tables
from bench.support.commands import seconds as seconds_of
from bench.support.embedded_aws import EmbeddedAws
from bench.support.interpreters import python_with
from cli import paths
from datasets import ensure
from embedded_aws import gateway

_NAME = "bench"
_SETTINGS = ["-c", f"lab.name={_NAME}"]
UP, PREDICT, JOB, BY_HAND = "./lab up", "first ./lab predict", "training job", "train.py by hand"
WARM = "training job, warm pool"
_SETTLED_SECONDS = 10  # after which Python waits, with TensorFlow imported


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each step in each round."""
    seconds: dict[str, list[float]] = {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            for step, taken in _round(Path(folder)).items():
                seconds.setdefault(step, []).append(taken)
    return seconds


def _round(folder: Path) -> dict[str, float]:
    home, lab = folder / "home", [sys.executable, "-m", "cli"]
    photo = folder / "photo.png"
    data = ensure(cache=paths.cache() / "datasets")
    Image.fromarray(np.load(data / "lego-simple-test-images.npy")[0]).save(photo)
    environment = {"BRICKLAB_HOME": str(home)}
    try:
        up = seconds_of([*lab, "up", *_SETTINGS], environment)
        predict = seconds_of([*lab, "predict", str(photo), *_SETTINGS], environment)
        aws = _running(home / "aws")
        (name,) = _jobs(aws)
        job, stacks, warm = _seconds(aws, name), _stacks(aws), _in_warm_pool(aws, name)
    finally:
        gateway.stop(home / "aws")
    return {UP: up, PREDICT: predict, **stacks, JOB: job, WARM: warm, BY_HAND: _by_hand(data, folder)}


def _by_hand(data: Path, folder: Path) -> float:
    output = folder / "output"
    flags = {"training": data, "artifact_dir": folder / "artifact", "output_data_dir": output, "seed": 0}
    words = [f"--{name}={value}" for name, value in flags.items()]
    for name in ("artifact", "output"):
        (folder / name).mkdir()
    return seconds_of([str(python_with("tensorflow")), str(paths.ROOT / "model_code" / "train.py"), *words])


def _running(home: Path) -> EmbeddedAws:
    running = gateway.running(home)
    if running is None:
        sys.exit("The embedded AWS has ended.")
    return EmbeddedAws(running)


def _jobs(aws: EmbeddedAws) -> list[str]:
    return [each["TrainingJobName"] for each in aws.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]]


def _seconds(aws: EmbeddedAws, name: str) -> float:
    job = aws.client("sagemaker").describe_training_job(TrainingJobName=name)
    return float((job["TrainingEndTime"] - job["CreationTime"]).total_seconds())


def _in_warm_pool(aws: EmbeddedAws, name: str) -> float:
    """Return the seconds of the second of two jobs like this one, both with a warm pool."""
    sagemaker = aws.client("sagemaker")
    members = sagemaker.meta.service_model.operation_model("CreateTrainingJob").input_shape.members
    job = sagemaker.describe_training_job(TrainingJobName=name)
    request = {member: value for member, value in job.items() if member in members}
    request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 600
    del request["CheckpointConfig"]  # it would go on where the lab's job has ended
    again = [f"{_NAME}-again-{number}" for number in (1, 2)]
    for each in again:
        sagemaker.create_training_job(**{**request, "TrainingJobName": each})
        sagemaker.get_waiter("training_job_completed_or_stopped").wait(
            TrainingJobName=each, WaiterConfig={"Delay": 1, "MaxAttempts": 600}
        )
        time.sleep(_SETTLED_SECONDS)
    return _seconds(aws, again[-1])


def _stacks(aws: EmbeddedAws) -> dict[str, float]:
    """Return the seconds of each stack, by its own first and last event."""
    seconds = {}
    cloudformation = aws.client("cloudformation")
    for stack in cloudformation.describe_stacks()["Stacks"]:
        name = stack["StackName"]
        if name.startswith(_NAME):
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            times = [event["Timestamp"] for event in events]
            seconds[f"stack {name}"] = (max(times) - min(times)).total_seconds()
    return seconds


def main() -> None:
    """Measure, print the table or JSON."""
    parser = argparse.ArgumentParser(prog="./lab bench up", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is timed (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    seconds = measure(options.rounds)
    if options.json:
        print(json.dumps(seconds, indent=2))
        return
    medians = {step: statistics.median(each) for step, each in seconds.items()}
    lines = [["", "seconds"], *([step, f"{median:.1f}"] for step, median in medians.items())]
    lines += [[f"{each} over by hand", f"{medians[each] / medians[BY_HAND]:.2f} x"] for each in (JOB, WARM)]
    tables.show(lines, title=f"{os.cpu_count()} cores, {options.rounds} rounds")


if __name__ == "__main__":
    main()
