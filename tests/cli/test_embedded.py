"""An embedded AWS that dies or hangs under a command: it is noticed, told, and cleared away. The tests run in order."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import psutil
import pytest
from filelock import FileLock

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from tests.embedded_aws.account import until

if TYPE_CHECKING:
    from tests.conftest import Lab

pytestmark = pytest.mark.usefixtures("unforked")
SETTINGS = ["-c", "lab.name=gone"]
HANDLER = "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n"


def begin(lab: Lab, *arguments: str) -> subprocess.Popen[str]:
    """Start a command."""
    command = [sys.executable, "-m", "cli", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=paths.ROOT, env=lab.environment, **pipes)  # type: ignore[call-overload,no-any-return]


def start(lab: Lab) -> gateway.Gateway:
    """Start the lab's embedded AWS."""
    return gateway.start(lab.home / "aws", cache=paths.cache(), environment=tool_environment(), pace=0.1, port=0)


def function_at_work(lab: Lab) -> psutil.Process:
    """The process of a function in the middle of an invocation that nobody waits for."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", HANDLER)
    role = lab.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions = lab.client("lambda")
    functions.create_function(
        FunctionName="sleeper",
        Role=role,
        Runtime="python3.12",
        Handler="index.handler",
        Timeout=600,
        Code={"ZipFile": packed.getvalue()},
    )
    running = gateway.running(lab.home / "aws")
    assert running
    before = set(psutil.Process(running.pid).children(recursive=True))
    functions.invoke(FunctionName="sleeper", InvocationType="Event", Payload=b'{"seconds": 500}')
    born: set[psutil.Process] = until(lambda: set(psutil.Process(running.pid).children(recursive=True)) - before)
    return born.pop()


def test_a_death_is_told_at_once(lab: Lab) -> None:
    """Killed while the CDK CLI works, it ends the command, with what, where and what to type.

    The next command brings it back, and ends what it had left running.
    """
    running = start(lab)
    worker = function_at_work(lab)
    command = begin(lab, "up", *SETTINGS)
    until((lab.home / "logs" / "synth.log").exists)
    family = psutil.Process(command.pid).children(recursive=True)
    assert family
    os.kill(running.pid, signal.SIGKILL)
    _, said = command.communicate(timeout=20)
    assert command.returncode == 1
    assert f"The embedded AWS (process {running.pid}) has ended" in said
    assert str(lab.home / "aws" / "gateway.log") in said
    assert "type the command again, and it comes back" in said
    assert not psutil.wait_procs(family, timeout=5)[1]
    assert worker.is_running()
    assert "(killed); all is back" in begin(lab, "down", *SETTINGS).communicate()[1]
    assert not psutil.wait_procs([worker], timeout=5)[1]
    assert not (lab.home / "aws" / "state").exists()


def test_one_that_hangs_is_ended_by_down(lab: Lab) -> None:
    """`down` waits a while for an answer, then ends it and says so."""
    running = start(lab)
    os.kill(running.pid, signal.SIGSTOP)
    command = begin(lab, "down", *SETTINGS)
    _, said = command.communicate(timeout=240)
    assert command.returncode == 0
    assert f"(process {running.pid}) did not answer for 20 seconds: it was ended" in said
    assert not running.alive()


def test_two_at_once_take_turns(lab: Lab) -> None:
    """An `up` says that it waits while another one deploys from the same checkout, and goes on then."""
    start(lab)
    with FileLock(lab.home / "deploying.lock"):
        command = begin(lab, "up", *SETTINGS, "-c", "lab.lease=16m")  # preflight refuses: too short
        assert command.stderr
        assert "waiting for its end" in command.stderr.readline()
    _, said = command.communicate(timeout=120)
    assert "Nothing was deployed" in said
    gateway.stop(lab.home / "aws")
