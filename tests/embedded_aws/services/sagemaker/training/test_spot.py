"""Managed spot training: instances can be taken away, and the job goes on from its checkpoints on others."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest

from tests.embedded_aws.account import BUCKET, Account, files_of, until

if TYPE_CHECKING:
    from embedded_aws.gateway import Gateway

GROUP = "/aws/sagemaker/TrainingJobs"
LIMITS = {"MaxRuntimeInSeconds": 120, "MaxWaitTimeInSeconds": 240}

# Counts to six, a checkpoint a number. It is told the signal with which it dies by nobody, so it saves nothing then.
COUNTING = """
import pathlib, time
ml = pathlib.Path("/opt/ml")
done = ml / "checkpoints" / "done"
(ml / "scratch").touch(exist_ok=False)
last = int(done.read_text()) if done.exists() else 0
for number in range(last + 1, 7):
    print("number", number, flush=True)
    time.sleep(1.2 if number == 4 and not last else 0.05)
    (ml / "checkpoints" / "new").write_text(str(number))
    (ml / "checkpoints" / "new").replace(done)
    while number == 3 and not last:
        time.sleep(0.1)
(ml / "model" / "last").write_text(done.read_text())
"""


def interrupt(embedded: Gateway, job: str) -> tuple[int, dict[str, Any]]:
    """Ask the embedded AWS's door to take a job's instances away; status and document."""
    request = embedded.admin_request(f"/_embedded_aws/training-jobs/{job}/interrupt")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own URL
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def start(account: Account, program: str, **request: Any) -> tuple[str, str]:
    """Start a job on spot instances with checkpoints; its name, and its checkpoints' URI."""
    uri = f"s3://{BUCKET}/spot/{uuid.uuid4().hex}"
    spot = {"EnableManagedSpotTraining": True, "StoppingCondition": LIMITS, "CheckpointConfig": {"S3Uri": uri}}
    return account.start_job(program=program, **{**spot, **request}), uri


def statuses(described: dict[str, Any]) -> list[str]:
    """The secondary statuses that a job went through."""
    return [each["Status"] for each in described["SecondaryStatusTransitions"]]


@pytest.fixture(scope="module", autouse=True)
def stubborn(account: Account, embedded: Gateway) -> str:
    """A job that ignores SIGTERM, interrupted before the other tests: the notice lasts for a while."""
    code = """
import pathlib, signal, sys, time
state = pathlib.Path("/opt/ml/checkpoints/started")
if state.exists():
    sys.exit()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
state.touch()
print("ready", flush=True)
time.sleep(100)
"""
    job, uri = start(account, code)
    until(lambda: account.keys(uri.removeprefix(f"s3://{BUCKET}/")))
    assert interrupt(embedded, job)[0] == 200
    return job


def test_is_interrupted_once_at_a_time(stubborn: str, embedded: Gateway) -> None:
    """While the notice lasts, a second one is refused."""
    status, answer = interrupt(embedded, stubborn)
    assert status == 400
    assert answer["message"].endswith(f"{stubborn} is in Training, and being interrupted.")


def test_goes_on_from_its_checkpoint(account: Account, embedded: Gateway) -> None:
    """The job is interrupted, starts again, finds its checkpoints and nothing else, and loses and repeats nothing."""
    job, uri = start(account, COUNTING)
    key = uri.removeprefix(f"s3://{BUCKET}/")
    until(lambda: account.keys(f"{key}/done") and account.get(f"{uri}/done") == b"3")
    assert interrupt(embedded, job) == (200, {"TrainingJobName": job})
    ended = account.end_of(job)
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    first = ["Starting", "Downloading", "Training"]
    assert statuses(ended) == [*first, "Interrupted", *first, "Uploading", "Completed"]
    assert sorted(account.lines(GROUP, job)) == [f"number {number}" for number in range(1, 7)]
    assert files_of(account.get(ended["ModelArtifacts"]["S3ModelArtifacts"])) == {"last": b"6"}
    instances = sum(
        (each["EndTime"] - each["StartTime"]).total_seconds()
        for each in ended["SecondaryStatusTransitions"]
        if each["Status"] in ("Downloading", "Training", "Uploading")
    )
    assert instances <= ended["TrainingTimeInSeconds"]
    assert ended["BillableTimeInSeconds"] < ended["TrainingTimeInSeconds"]


def test_gives_notice(account: Account, embedded: Gateway) -> None:
    """The script gets SIGTERM and time; what it saves then is restored, and that it ended well ends the job not."""
    code = """
import pathlib, signal, sys, time
saved = pathlib.Path("/opt/ml/checkpoints/saved")
if saved.exists():
    print("found", saved.read_text(), flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), saved.write_text("in time"), sys.exit(0)))
print("ready", flush=True)
time.sleep(100)
"""
    job, _ = start(account, code)
    until(lambda: "ready" in account.printed(GROUP, job))
    assert interrupt(embedded, job)[0] == 200
    assert account.end_of(job)["TrainingJobStatus"] == "Completed"
    assert sorted(account.lines(GROUP, job)) == ["found in time", "ready"]


def test_several_hosts_are_interrupted_together(account: Account, embedded: Gateway) -> None:
    """All hosts go, and all come back."""
    code = """
import os, pathlib, sys, time
me = os.environ["CURRENT_HOST"]
print("start", me, flush=True)
state = pathlib.Path("/opt/ml/checkpoints", me)
if state.exists():
    sys.exit()
state.touch()
time.sleep(100)
"""
    resources = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    job, uri = start(account, code, ResourceConfig=resources)
    until(lambda: len(account.keys(uri.removeprefix(f"s3://{BUCKET}/"))) == 2)
    assert interrupt(embedded, job)[0] == 200
    assert account.end_of(job)["TrainingJobStatus"] == "Completed"
    assert sorted(account.lines(GROUP, job)) == ["start algo-1"] * 2 + ["start algo-2"] * 2


@pytest.mark.parametrize(
    ("spot", "limits", "message"),
    [
        (True, {"MaxRuntimeInSeconds": 60}, "It must be present and be greater than or equal to MaxRuntimeInSeconds"),
        (
            True,
            {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59},
            "It must be present and be greater than or equal to MaxRuntimeInSeconds",
        ),
        (False, LIMITS, "It is only supported when EnableManagedSpotTraining is set to true"),
    ],
)
def test_limits_that_do_not_fit(account: Account, spot: bool, limits: dict[str, int], message: str) -> None:  # noqa: FBT001 - a parameter
    """Refused in AWS's words."""
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        account.start_job(program="", EnableManagedSpotTraining=spot, StoppingCondition=limits)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationException", f"Invalid MaxWaitTimeInSeconds. {message}")


def test_waits_no_longer_than_it_may(account: Account) -> None:
    """MaxWaitTimeInSeconds ends the job as Stopped, MaxWaitTimeExceeded, the model saved in time kept."""
    code = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path("/opt/ml/model/some").touch(), sys.exit()))
print("ready", flush=True)
time.sleep(100)
"""
    job, _ = start(account, code, StoppingCondition={"MaxRuntimeInSeconds": 12, "MaxWaitTimeInSeconds": 12})
    ended = account.end_of(job)
    assert ended["TrainingJobStatus"] == "Stopped"
    assert statuses(ended)[-2:] == ["Uploading", ended["SecondaryStatus"]]
    assert ended["SecondaryStatus"] == "MaxWaitTimeExceeded"
    assert list(files_of(account.get(ended["ModelArtifacts"]["S3ModelArtifacts"]))) == ["some"]


def test_what_cannot_be_interrupted(account: Account, embedded: Gateway) -> None:
    """A job that is not there, is not on spot instances, or has ended."""
    assert interrupt(embedded, "no-such-job")[1]["message"] == "Requested resource not found."
    job = account.start_job(program='print("ready", flush=True)\nimport time; time.sleep(100)')
    until(lambda: "ready" in account.printed(GROUP, job))
    status, answer = interrupt(embedded, job)
    assert (status, answer["__type"]) == (400, "ValidationException")
    assert "does not run on spot instances" in answer["message"]
    account.sagemaker.stop_training_job(TrainingJobName=job)
    account.end_of(job)
    assert interrupt(embedded, job)[1]["message"].endswith("is in status Stopped: nothing of it runs.")


def test_the_notice_is_limited(account: Account, stubborn: str) -> None:
    """A script that ignores the signal is killed when the notice is over, two minutes on AWS, and starts anew."""
    assert account.end_of(stubborn)["TrainingJobStatus"] == "Completed"
