"""Training jobs of several hosts: each a process with its own /opt/ml, name and address, that end together."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.embedded_aws.account import BUCKET, Account, files_of, until

if TYPE_CHECKING:
    from typing import Any


GROUP = "/aws/sagemaker/TrainingJobs"
TWO = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}

# The hosts find each other by name; each tells what it got, and leaves its own part of the model.
MEETING = """
import json, os, pathlib, socket, time
ml = pathlib.Path("/opt/ml")
config = json.loads((ml / "input/config/resourceconfig.json").read_text())
me, others = config["current_host"], [host for host in config["hosts"] if host != config["current_host"]]
for channel in ("whole", "parts"):
    print(me, channel, *sorted(path.name for path in (ml / "input/data" / channel).iterdir()))
listening = socket.create_server((me, 5000))
for other in others:
    for _ in range(200):
        try:
            talk = socket.create_connection((other, 5000))
            break
        except OSError:
            time.sleep(0.05)
    talk.sendall(me.encode())
for _ in others:
    talk, address = listening.accept()
    print(me, "heard", talk.recv(100).decode(), "at", socket.gethostbyname(me))
print(f"score={me[-1]}")
(ml / "model" / "common").mkdir()
(ml / "model" / "common" / f"{me}.txt").write_text(me)
(ml / "model" / "clash.txt").write_text(me)
(ml / "output/data" / f"{me}.txt").write_text(me)
"""


def channel(name: str, uri: str, distribution: str) -> dict[str, Any]:
    """One channel of InputDataConfig."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": distribution}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


@pytest.fixture(scope="module")
def met(account: Account) -> dict[str, Any]:
    """A job of two hosts that has completed."""
    prefix = f"hosts/{uuid.uuid4().hex}"
    for number in range(5):
        account.put(f"{prefix}/{number}.txt", b"")
    uri = f"s3://{BUCKET}/{prefix}/"
    channels = [channel("whole", uri, "FullyReplicated"), channel("parts", uri, "ShardedByS3Key")]
    algorithm = {"MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9])"}]}
    return account.train(program=MEETING, algorithm=algorithm, InputDataConfig=channels, ResourceConfig=TWO)


def test_hosts_meet_by_name(account: Account, met: dict[str, Any]) -> None:
    """Each host has a log stream and an address of its own, and reaches the other one by its name."""
    assert met["TrainingJobStatus"] == "Completed", met.get("FailureReason")
    heard = [account.lines(GROUP, f"{met['TrainingJobName']}/{host}-")[2].split() for host in ("algo-1", "algo-2")]
    assert [line[:3] for line in heard] == [["algo-1", "heard", "algo-2"], ["algo-2", "heard", "algo-1"]]
    addresses = {line[-1] for line in heard}
    assert len(addresses) == 2
    assert "127.0.0.1" not in addresses


def test_data_are_sharded_by_host(account: Account, met: dict[str, Any]) -> None:
    """ShardedByS3Key gives every object to one host, about as many to each; FullyReplicated gives all to all."""
    name = met["TrainingJobName"]
    first, second = (account.lines(GROUP, f"{name}/{host}-") for host in ("algo-1", "algo-2"))
    assert [first[0].split()[2:], second[0].split()[2:]] == [[f"{number}.txt" for number in range(5)]] * 2
    parts = first[1].split()[2:], second[1].split()[2:]
    assert sorted(map(len, parts)) == [2, 3]
    assert sorted(parts[0] + parts[1]) == [f"{number}.txt" for number in range(5)]


def test_what_hosts_leave_is_put_together(account: Account, met: dict[str, Any]) -> None:
    """The model and the output are those of all hosts, the first one's where names clash."""
    artifact = met["ModelArtifacts"]["S3ModelArtifacts"]
    model = files_of(account.get(artifact))
    assert model == {"common/algo-1.txt": b"algo-1", "common/algo-2.txt": b"algo-2", "clash.txt": b"algo-1"}
    output = files_of(account.get(artifact.replace("model.tar", "output.tar")))
    assert output == {"algo-1.txt": b"algo-1", "algo-2.txt": b"algo-2"}


def test_metrics_come_from_every_host(account: Account, met: dict[str, Any]) -> None:
    """CloudWatch has the values of all hosts under the job's name."""
    assert [each["MetricName"] for each in met["FinalMetricDataList"]] == ["score"]
    points = account.statistics(GROUP, "score", {"TrainingJobName": met["TrainingJobName"]}, "SampleCount")
    assert sum(point["SampleCount"] for point in points) == len(("algo-1", "algo-2"))


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (
            'open("/opt/ml/output/failure", "w").write("no bricks"); sys.exit(7)',
            "AlgorithmError: no bricks, exit code: 7",
        ),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "AlgorithmError: See job logs for more information, exit code: 137",
        ),
    ],
)
def test_a_host_that_dies_fails_the_job(account: Account, end: str, reason: str) -> None:
    """The job fails with that host's own reason, and the other one, which would go on for long, is ended."""
    code = f'import os, signal, sys, time\nif os.environ["CURRENT_HOST"] == "algo-2": {end}\ntime.sleep(100)'
    ended = account.train(program=code, ResourceConfig=TWO)
    assert ended["TrainingJobStatus"] == "Failed"
    assert ended["FailureReason"] == reason


def test_stop_reaches_every_host(account: Account) -> None:
    """Each gets SIGTERM and the time to save, whichever is done first."""
    code = """
import os, pathlib, signal, sys, time
me = os.environ["CURRENT_HOST"]
def save(*_):
    time.sleep(int(me[-1]) / 2)
    pathlib.Path("/opt/ml/model", me).write_text("saved")
    sys.exit(1)
signal.signal(signal.SIGTERM, save)
print("ready")
time.sleep(100)
"""
    job = account.start_job(program=code, ResourceConfig=TWO)
    until(lambda: account.printed(GROUP, job).count("ready") == 2)
    account.sagemaker.stop_training_job(TrainingJobName=job)
    ended = account.end_of(job)
    assert ended["TrainingJobStatus"] == "Stopped"
    saved = files_of(account.get(ended["ModelArtifacts"]["S3ModelArtifacts"]))
    assert saved == {"algo-1": b"saved", "algo-2": b"saved"}


def test_instance_groups(account: Account) -> None:
    """Hosts of several groups know theirs, and a channel for one group goes to its hosts only."""
    code = """
import json, os, pathlib
ml = pathlib.Path("/opt/ml")
config = json.loads((ml / "input/config/resourceconfig.json").read_text())
there = (ml / "input/data/data").exists()
print(config["current_host"], config["current_group_name"], config["current_instance_type"], there)
"""
    groups = [
        {"InstanceGroupName": name, "InstanceType": kind, "InstanceCount": 1}
        for name, kind in (("workers", "ml.m5.large"), ("readers", "ml.c5.xlarge"))
    ]
    data = channel("data", account.put(f"groups/{uuid.uuid4().hex}/note.txt", b""), "FullyReplicated")
    data["DataSource"]["S3DataSource"]["InstanceGroupNames"] = ["readers"]
    ended = account.train(
        program=code,
        InputDataConfig=[data],
        ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 5},
    )
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    assert sorted(account.lines(GROUP, ended["TrainingJobName"])) == [
        "algo-1 workers ml.m5.large False",
        "algo-2 readers ml.c5.xlarge True",
    ]
