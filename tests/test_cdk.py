"""The app under the plain CDK CLI, after an `./lab up` that was broken off."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway

if TYPE_CHECKING:
    from tests.conftest import Lab

pytestmark = pytest.mark.usefixtures("in_order")
SETTINGS = ["-c", "lab.name=plain", "-c", "lab.seats=alice,bob", "-c", "lab.epochs=1", "-c", "lab.lease=4h"]


def cdk(lab: Lab, *arguments: str) -> str:
    """Run the CDK CLI; what it printed."""
    running = gateway.running(lab.home / "aws")
    assert running
    done = subprocess.run(
        [str(paths.CDK), *arguments, "--no-notices", "--ci"],
        cwd=paths.ROOT,
        env={**tool_environment(), **running.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assembly(lab: Lab) -> str:
    """The folder of what was synthesised to be deployed, which is what is destroyed."""
    return str(lab.home / "cdk.out")


def test_ctrl_c_ends_up_with_one_sentence(lab: Lab) -> None:
    """An interrupted `up` exits with 130, without a traceback, in the middle of a deployment."""
    command = [sys.executable, "-m", "cli", "up", *SETTINGS]
    with subprocess.Popen(
        command, cwd=paths.ROOT, env=lab.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as up:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and "plain-storage" not in _stacks(lab):
            time.sleep(0.2)
        up.send_signal(signal.SIGINT)
        printed = up.communicate(timeout=60)[0]
    assert up.returncode == 130
    assert "Interrupted" in printed
    assert "Traceback" not in printed


def test_cdk_deploy_goes_on_from_there(lab: Lab) -> None:
    """The unmodified CDK CLI brings the broken-off lab to its end, every seat included, as the README's reader does."""
    cdk(lab, "deploy", "--all", "--output", assembly(lab), "--require-approval", "never", *SETTINGS)
    status = {s["EndpointName"]: s["EndpointStatus"] for s in lab.client("sagemaker").list_endpoints()["Endpoints"]}
    assert status == {"plain": "InService"}
    seats = lab.client("sagemaker").list_notebook_instances()["NotebookInstances"]
    assert {seat["NotebookInstanceName"] for seat in seats} == {"plain-alice", "plain-bob"}


def test_a_seat_is_taken_away_alone(lab: Lab) -> None:
    """Destroying one seat leaves the other, and the endpoint, as they were."""
    cdk(lab, "destroy", "plain-seat-alice", "--app", assembly(lab), "--force")
    seats = lab.client("sagemaker").list_notebook_instances()["NotebookInstances"]
    assert [seat["NotebookInstanceName"] for seat in seats] == ["plain-bob"]
    assert lab.client("sagemaker").describe_endpoint(EndpointName="plain")["EndpointStatus"] == "InService"


def test_cdk_destroy_leaves_nothing_but_the_bootstrap(lab: Lab) -> None:
    """`cdk destroy --all` takes every stack away, the bucket with all that is in it."""
    cdk(lab, "destroy", "--all", "--app", assembly(lab), "--force")
    assert _stacks(lab) == {"CDKToolkit"}
    assert not lab.client("sagemaker").list_endpoints()["Endpoints"]
    assert not lab.client("scheduler").list_schedules()["Schedules"]
    assert not [b for b in lab.client("s3").list_buckets()["Buckets"] if not b["Name"].startswith("cdk-")]


def _stacks(lab: Lab) -> set[str]:
    """The names of the stacks that there are; none while the embedded AWS is not up yet."""
    if not gateway.running(lab.home / "aws"):
        return set()
    try:
        return {stack["StackName"] for stack in lab.client("cloudformation").describe_stacks()["Stacks"]}
    except (ConnectionClosedError, EndpointConnectionError):  # it is coming up
        return set()
