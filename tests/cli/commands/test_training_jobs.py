"""`./lab tensorboard` and `./lab interrupt`: what they do with training jobs that run, and what they answer else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from tests.embedded_aws.account import BUCKET, Account, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Lab

# A job of the real kind: a value an epoch, in TensorBoard's own format, until it is stopped.
CURVE = """
import time
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
writer = EventFileWriter("/opt/ml/output/tensorboard/validation")
for step in range(1000):
    value = Summary.Value(tag="accuracy", simple_value=step / 1000)
    writer.add_event(Event(step=step, wall_time=time.time(), summary=Summary(value=[value])))
    writer.flush()
    print("step", step, flush=True)
    time.sleep(0.3)
"""


@pytest.fixture(scope="module")
def account(lab: Lab) -> Account:
    """The account of an embedded AWS that `./lab` finds, without a lab deployed in it."""
    gateway.start(lab.home / "aws", cache=paths.cache(), environment=tool_environment(), pace=0.1, port=0)
    return Account(lab.client)


@pytest.fixture(scope="module")
def job(account: Account) -> Iterator[str]:
    """A training job of the lab's on spot instances, which writes a curve until it is stopped."""
    name = account.start_job(
        TrainingJobName="bricklab-curve",
        program=CURVE,
        runtime=300,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 300, "MaxWaitTimeInSeconds": 600},
        TensorBoardOutputConfig={"S3OutputPath": f"s3://{BUCKET}/training"},
    )
    yield name
    account.sagemaker.stop_training_job(TrainingJobName=name)


@contextmanager
def board(lab: Lab, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`./lab tensorboard` at work, and what it printed."""
    command = [sys.executable, "-m", "cli", "tensorboard", "--json", *arguments]
    with subprocess.Popen(
        command, cwd=paths.ROOT, env=lab.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        try:
            printed = "".join(iter(process.stdout.readline, "}\n")) + "}"
            yield process, json.loads(printed)
        finally:
            process.send_signal(signal.SIGINT)


def steps(url: str, job: str) -> list[int]:
    """The steps of the job's accuracy that TensorBoard has."""
    run = f"{job}%2Fvalidation"
    try:
        with urllib.request.urlopen(f"{url}data/plugin/scalars/scalars?tag=accuracy&run={run}", timeout=10) as answer:  # noqa: S310 - our URL
            return [point[1] for point in json.load(answer)]
    except urllib.error.HTTPError as error:  # it has not read that run yet
        with error:
            return []


def test_without_jobs(account: Account, lab: Lab) -> None:
    """One sentence each, and the exit code 1."""
    assert account
    assert "There are no TensorBoard logs of any training job of the lab bricklab" in lab("tensorboard", code=1)
    assert "No training job of the lab bricklab runs on spot instances" in lab("interrupt", code=1)
    assert "There is no training job nobody's of the lab bricklab. There are none." in lab(
        "tensorboard", "nobody's", code=1
    )


def test_a_wrong_name(job: str, lab: Lab) -> None:
    """The near one is named."""
    for command in ("tensorboard", "interrupt"):
        told = lab(command, "bricklab-curse", code=1)
        assert f"There is no training job bricklab-curse of the lab bricklab. Did you mean {job}?" in told


def test_shows_a_curve_as_it_grows(job: str, lab: Lab) -> None:
    """A real TensorBoard has the job's values, then more of them; Ctrl-C ends it with all that it started."""
    with board(lab) as (process, found):
        some = until(lambda: steps(found["url"], job))
        assert some == list(range(len(some)))
        until(lambda: len(steps(found["url"], job)) > len(some))
        family = psutil.Process(process.pid).children(recursive=True)
        assert family
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
        assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_interrupts_the_only_one(account: Account, job: str, lab: Lab) -> None:
    """The job that trains on spot instances loses them, and starts again; it need not be named."""
    assert json.loads(lab("interrupt", "--json")) == {"training_job": job}

    def statuses() -> list[str]:
        described = account.sagemaker.describe_training_job(TrainingJobName=job)
        return [each["Status"] for each in described["SecondaryStatusTransitions"]]

    until(lambda: statuses()[-4:] == ["Interrupted", "Starting", "Downloading", "Training"])


def test_on_aws_nobody_can(lab: Lab) -> None:
    """One sentence, before anything is asked of AWS."""
    assert "On AWS only EC2 interrupts a job's spot instances" in lab("interrupt", "--target", "aws", code=1)
