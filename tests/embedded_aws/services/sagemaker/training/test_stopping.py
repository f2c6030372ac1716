"""A training job can be stopped in whatever state it is, and only what it has left by then is uploaded."""

from __future__ import annotations

import urllib.request
import uuid
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest

from tests.embedded_aws.account import BUCKET, Account, until

if TYPE_CHECKING:
    from embedded_aws.gateway import Gateway

FOREVER = 'import time; print("ready", flush=True); time.sleep(100)'


def secondary(account: Account, job: str) -> str:
    """The state it is in."""
    return str(account.sagemaker.describe_training_job(TrainingJobName=job)["SecondaryStatus"])


def stopped(account: Account, job: str) -> dict[str, Any]:
    """Stop a job and wait for its end."""
    account.sagemaker.stop_training_job(TrainingJobName=job)
    ended = account.end_of(job)
    assert (ended["TrainingJobStatus"], ended["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert "FailureReason" not in ended
    return ended


def test_at_once(account: Account) -> None:
    """Before its script has run."""
    job = account.start_job(program=FOREVER)
    ended = stopped(account, job)
    assert "ModelArtifacts" not in ended
    assert ended["SecondaryStatusTransitions"][-1]["Status"] == "Stopped"


def test_while_downloading(account: Account) -> None:
    """The rest is not downloaded, and the script does not run."""
    prefix = f"many/{uuid.uuid4().hex}"
    for number in range(50):
        account.put(f"{prefix}/{number}", b"")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}/"}}
    channels = [{"ChannelName": f"c{number}", "DataSource": source} for number in range(19)]
    job = account.start_job(program=FOREVER, InputDataConfig=channels)
    until(lambda: secondary(account, job) == "Downloading")
    ended = stopped(account, job)
    statuses = [each["Status"] for each in ended["SecondaryStatusTransitions"]]
    assert statuses == ["Starting", "Downloading", "Stopping", "Stopped"]


def test_while_uploading(account: Account) -> None:
    """The model, which is whole, is uploaded all the same."""
    code = 'import os; open("/opt/ml/model/large", "wb").write(os.urandom(30_000_000))'
    job = account.start_job(program=code)
    until(lambda: secondary(account, job) == "Uploading")
    ended = stopped(account, job)
    assert account.keys(f"training/{job}/output/") == [f"training/{job}/output/model.tar.gz"]
    assert ended["ModelArtifacts"]["S3ModelArtifacts"].endswith(f"{job}/output/model.tar.gz")


def test_while_interrupted(account: Account, embedded: Gateway) -> None:
    """No other instances are waited for."""
    limits = {"MaxRuntimeInSeconds": 100, "MaxWaitTimeInSeconds": 100}
    job = account.start_job(program=FOREVER, EnableManagedSpotTraining=True, StoppingCondition=limits)
    until(lambda: secondary(account, job) == "Training")
    until(lambda: "ready" in account.printed("/aws/sagemaker/TrainingJobs", job))
    request = embedded.admin_request(f"/_embedded_aws/training-jobs/{job}/interrupt")
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - our own URL
        until(lambda: secondary(account, job) == "Interrupted")
    statuses = [each["Status"] for each in stopped(account, job)["SecondaryStatusTransitions"]]
    assert statuses == ["Starting", "Downloading", "Training", "Interrupted", "Stopping", "Stopped"]


def test_twice(account: Account) -> None:
    """A second stop changes nothing while the job stops, and is refused once it has ended."""
    code = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), exit())); " + FOREVER
    job = account.start_job(program=code)
    until(lambda: "ready" in account.printed("/aws/sagemaker/TrainingJobs", job))
    account.sagemaker.stop_training_job(TrainingJobName=job)
    stopped(account, job)
    with pytest.raises(botocore.exceptions.ClientError, match=r"the training job is in status Stopped\.$"):
        account.sagemaker.stop_training_job(TrainingJobName=job)


SAVES = """
import signal, sys, time

def save(*_):
    time.sleep(0.5)
    print("saved in time", flush=True)
    print("and said so", file=sys.stderr, flush=True)
    sys.exit()

signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(100)
"""


def test_what_a_script_says_at_its_end(account: Account) -> None:
    """What it prints once it is told to stop is in its log, though the toolkit that reads it is told, too."""
    group = "/aws/sagemaker/TrainingJobs"
    job = account.start_job(HyperParameters=account.source({"train.py": SAVES.encode()}))
    until(lambda: "ready" in account.printed(group, job))
    stopped(account, job)
    assert {"saved in time", "and said so"} <= set(account.printed(group, job))
