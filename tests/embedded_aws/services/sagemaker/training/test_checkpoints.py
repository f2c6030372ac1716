"""What a training job keeps in S3 while it runs: checkpoints and TensorBoard's logs."""

from __future__ import annotations

import uuid

import pytest

from tests.embedded_aws.account import BUCKET, Account, until

GROUP = "/aws/sagemaker/TrainingJobs"


def place() -> tuple[str, str]:
    """A prefix of its own, as a key and as a URI."""
    key = f"checkpoints/{uuid.uuid4().hex}"
    return key, f"s3://{BUCKET}/{key}"


@pytest.mark.parametrize("local", ["/opt/ml/checkpoints", "/srv/state", None])
def test_checkpoints_come_and_go(account: Account, local: str | None) -> None:
    """A job finds what was in S3, wherever LocalPath is, and leaves what it writes, changes and deletes."""
    key, uri = place()
    for name in ("old/kept.txt", "old/changed.txt", "deleted.txt"):
        account.put(f"{key}/{name}", b"before")
    config = {"S3Uri": uri, **({"LocalPath": local} if local else {})}
    code = f"""
import json, pathlib
folder = pathlib.Path("{local or "/opt/ml/checkpoints"}")
assert json.load(open("/opt/ml/input/config/checkpointconfig.json"))["LocalPath"] == str(folder)
print(*sorted(str(path.relative_to(folder)) for path in folder.rglob("*.txt")))
(folder / "new.txt").write_text("after")
(folder / "old/changed.txt").write_text("changed")
(folder / "deleted.txt").unlink()
"""
    ended = account.train(program=code, CheckpointConfig=config)
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    assert account.lines(GROUP, ended["TrainingJobName"]) == ["deleted.txt old/changed.txt old/kept.txt"]
    left = {each.removeprefix(f"{key}/"): account.get(f"s3://{BUCKET}/{each}") for each in account.keys(key)}
    assert left == {"new.txt": b"after", "old/changed.txt": b"changed", "old/kept.txt": b"before"}


def test_checkpoints_are_there_while_the_job_runs(account: Account) -> None:
    """A file that nobody writes to any more is in S3 soon; one that is being written is not, before the end."""
    key, uri = place()
    code = """
import pathlib, time
whole, growing = (pathlib.Path("/opt/ml/checkpoints", name) for name in ("whole", "growing"))
whole.write_text("whole")
with growing.open("w") as file:
    while True:
        print("x", file=file, flush=True)
        time.sleep(0.02)
"""
    job = account.start_job(program=code, CheckpointConfig={"S3Uri": uri})
    until(lambda: account.keys(key))
    assert account.keys(key) == [f"{key}/whole"]
    account.sagemaker.stop_training_job(TrainingJobName=job)
    assert account.end_of(job)["TrainingJobStatus"] == "Stopped"
    assert account.keys(key) == [f"{key}/growing", f"{key}/whole"]


def test_a_failed_job_keeps_its_checkpoints(account: Account) -> None:
    """What it wrote last before it failed is in S3."""
    key, uri = place()
    code = 'import pathlib, sys; pathlib.Path("/opt/ml/checkpoints/last").write_text("x"); sys.exit(3)'
    assert account.train(program=code, CheckpointConfig={"S3Uri": uri})["TrainingJobStatus"] == "Failed"
    assert account.keys(key) == [f"{key}/last"]


def test_checkpoints_that_cannot_be_kept_fail_the_job(account: Account) -> None:
    """They are not lost in silence."""
    code = 'import pathlib; pathlib.Path("/opt/ml/checkpoints/last").write_text("x")'
    ended = account.train(program=code, CheckpointConfig={"S3Uri": "s3://no-such-bucket/checkpoints"})
    assert ended["TrainingJobStatus"] == "Failed"
    assert "NoSuchBucket" in ended["FailureReason"]


@pytest.mark.parametrize("local", ["/srv/logs", None])
def test_tensorboard_logs_are_there_while_the_job_runs(account: Account, local: str | None) -> None:
    """A log that is still written to is below S3OutputPath/<job>/tensorboard-output, and whole in the end."""
    _, uri = place()
    code = f"""
import pathlib, signal, time
folder = pathlib.Path("{local or "/opt/ml/output/tensorboard"}", "train")
folder.mkdir()
file = (folder / "events").open("w")
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
while not asked:
    print("x", file=file, flush=True)
    time.sleep(0.02)
print("end", file=file, flush=True)
"""
    config = {"S3OutputPath": uri, **({"LocalPath": local} if local else {})}
    job = account.start_job(program=code, TensorBoardOutputConfig=config)
    log = f"{uri}/{job}/tensorboard-output/train/events"
    until(lambda: account.keys(log.removeprefix(f"s3://{BUCKET}/")))
    some = account.get(log)
    account.sagemaker.stop_training_job(TrainingJobName=job)
    assert account.end_of(job)["TrainingJobStatus"] == "Stopped"
    whole = account.get(log)
    assert some.startswith(b"x")
    assert whole.startswith(some)
    assert whole.endswith(b"end\n")
