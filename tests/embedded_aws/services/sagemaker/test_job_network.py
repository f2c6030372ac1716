"""Hosts of one job have a network of their own: each has its address and all ports, as instances have."""

from __future__ import annotations

import json
import socket
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from embedded_aws.runtime import network, sandbox
from tests.embedded_aws.account import BUCKET, Account, until

if TYPE_CHECKING:
    from embedded_aws.gateway import Gateway

REASON = f"{sandbox.find()}" if isinstance(sandbox.find(), str) else network.failure()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

GROUP = "/aws/sagemaker/TrainingJobs"
TWO = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
# Each listens where the other does, says its name to the other, and tells what it has found.
MEETING = """
import json, os, socket, threading, time

me = os.environ["CURRENT_HOST"]
other = {"algo-1": "algo-2", "algo-2": "algo-1"}[me]
listening = socket.create_server(("0.0.0.0", 7777))

def say():
    while True:
        try:
            with socket.create_connection((other, 7777), 20) as connection:
                return connection.sendall(me.encode())
        except ConnectionRefusedError:  # it does not listen yet
            time.sleep(0.05)

threading.Thread(target=say).start()
connection, address = listening.accept()

def reached(*address):
    try:
        socket.create_connection(address, 2).close()
        return True
    except OSError as error:
        return type(error).__name__

with open("/opt/ml/input/config/resourceconfig.json") as file:
    interface = json.load(file)["network_interface_name"]
found = {
    "heard": connection.recv(10).decode(),
    "other": address[0] == socket.gethostbyname(other),
    "interfaces": sorted(name for _, name in socket.if_nameindex()),
    "interface": interface,
    "neighbour": reached("127.0.0.1", NEIGHBOUR),
    "gateway": reached("127.0.0.1", GATEWAY),
}
if BUCKET:
    import boto3
    boto3.client("s3").put_object(Bucket=BUCKET, Key=PREFIX + me, Body=b"x" * 3_000_000)
print("FOUND " + me + " " + json.dumps(found), flush=True)
"""


def meet(account: Account, embedded: Gateway, *, isolated: bool) -> dict[str, dict[str, object]]:
    """What each host of a job has found, by its name."""
    prefix = f"met-{uuid.uuid4().hex}/"
    with socket.create_server(("127.0.0.1", 0)) as neighbour:
        known = {
            "NEIGHBOUR": neighbour.getsockname()[1],
            "GATEWAY": embedded.port,
            "BUCKET": None if isolated else BUCKET,
            "PREFIX": prefix,
        }
        constants = "".join(f"{name} = {value!r}\n" for name, value in known.items())
        job = account.start_job(program=constants + MEETING, ResourceConfig=TWO, EnableNetworkIsolation=isolated)
        assert account.end_of(job)["TrainingJobStatus"] == "Completed", account.lines(GROUP, job)
    assert account.keys(prefix) == [] if isolated else [f"{prefix}algo-1", f"{prefix}algo-2"]
    words = [line.split(" ", 2) for line in account.lines(GROUP, job) if line.startswith("FOUND ")]
    return {host: json.loads(found) for _, host, found in words}


def test_each_has_all_ports_and_reaches_aws(account: Account, embedded: Gateway) -> None:
    """Both listen on one port; S3 is where their environment says; nothing else of this machine is reached."""
    common = {"other": True, "interfaces": ["eth0", "lo"], "interface": "eth0", "gateway": True}
    assert meet(account, embedded, isolated=False) == {
        "algo-1": {**common, "heard": "algo-2", "neighbour": "ConnectionRefusedError"},
        "algo-2": {**common, "heard": "algo-1", "neighbour": "ConnectionRefusedError"},
    }


def test_isolated_hosts_reach_each_other_alone(account: Account, embedded: Gateway) -> None:
    """As on AWS, EnableNetworkIsolation leaves the job's own hosts."""
    found = meet(account, embedded, isolated=True)
    assert {host: each["heard"] for host, each in found.items()} == {"algo-1": "algo-2", "algo-2": "algo-1"}
    assert {each["gateway"] for each in found.values()} == {"ConnectionRefusedError"}


def test_they_are_told_to_end(account: Account) -> None:
    """Every host has SIGTERM and time to save."""
    program = """
import os, signal, sys, time
def save(*_):
    open(f"/opt/ml/model/{os.environ['CURRENT_HOST']}", "w").close()
    print("saved", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(100)
"""
    job = account.start_job(program=program, ResourceConfig=TWO)
    until(lambda: account.printed(GROUP, job).count("ready") == 2, 60)
    account.sagemaker.stop_training_job(TrainingJobName=job)
    assert account.end_of(job)["TrainingJobStatus"] == "Stopped"
    assert account.lines(GROUP, job).count("saved") == 2


def networks(gateway: Gateway) -> dict[psutil.Process, str]:
    """The network namespace of each process that a gateway has started, where it isn't the gateway's own."""
    found = {}
    for each in psutil.Process(gateway.pid).children(recursive=True):
        with suppress(OSError):  # it has ended
            found[each] = str(Path(f"/proc/{each.pid}/ns/net").readlink())
    own = str(Path(f"/proc/{gateway.pid}/ns/net").readlink())
    return {each: namespace for each, namespace in found.items() if namespace != own}


def test_the_network_goes_with_its_job(account: Account, embedded: Gateway) -> None:
    """No process is left of what keeps a namespace: the hosts' own two, and the one in which their cables meet."""
    program = 'import time\nprint("ready", flush=True)\ntime.sleep(100)\n'
    job = account.start_job(program=program, ResourceConfig=TWO)
    until(lambda: account.printed(GROUP, job).count("ready") == 2, 60)
    during = networks(embedded)
    assert len(set(during.values())) == 3
    account.sagemaker.stop_training_job(TrainingJobName=job)
    assert account.end_of(job)["TrainingJobStatus"] == "Stopped"
    assert not [each for each in during if each.is_running()]
