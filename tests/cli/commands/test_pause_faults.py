"""`./lab pause` and `./lab resume` are killed at their calls, lose each answer, are throttled: nothing is lost.

`./lab bench faults` goes through every call of theirs, and of the commands that take longer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench.support.faulty_lab import FaultyLab, answers_lost, at, faulty_lab, throttled
from bench.support.faulty_proxy import Fault
from tests.embedded_aws.account import Account, answering, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.support.faulty_lab import Decide

NAME = "kept"
TAGS = [{"Key": "bricklab:lab", "Value": NAME}]


@pytest.fixture(scope="module")
def lab() -> Iterator[FaultyLab]:
    """A lab with an endpoint that serves and a notebook that runs."""
    with faulty_lab(lambda _: ("-c", f"lab.name={NAME}")) as made:
        account = Account(made.aws.client)
        config = account.config(account.model(answering()))
        account.sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=config, Tags=TAGS)
        account.sagemaker.create_notebook_instance(
            NotebookInstanceName=f"{NAME}-ada", InstanceType="ml.t3.medium", RoleArn=account.role
        )
        until(lambda: standing(made) == {NAME: "InService", f"{NAME}-ada": "InService"})
        yield made


def standing(lab: FaultyLab) -> dict[str, str]:
    """The state of the endpoint and of the notebook."""
    sagemaker = lab.aws.client("sagemaker")
    return {
        **{each["EndpointName"]: each["EndpointStatus"] for each in sagemaker.list_endpoints()["Endpoints"]},
        **{
            each["NotebookInstanceName"]: each["NotebookInstanceStatus"]
            for each in sagemaker.list_notebook_instances()["NotebookInstances"]
        },
    }


def kept(lab: FaultyLab) -> dict[str, Any]:
    """What is written down as paused."""
    found = lab.aws.client("ssm").get_parameters_by_path(Path=f"/{NAME}/paused", Recursive=True)["Parameters"]
    return {each["Name"].removeprefix(f"/{NAME}/paused/"): json.loads(each["Value"]) for each in found}


@pytest.mark.parametrize(
    ("pausing", "resuming"),
    [
        (at(2, Fault.KILL_AFTER), at(1, Fault.KILL_AFTER)),  # the endpoint has gone, and has come
        (at(4, Fault.KILL_BEFORE), at(3, Fault.KILL_BEFORE)),  # both are written down, and the first forgotten
    ],
    ids=["after", "before"],
)
def test_what_is_killed_is_finished_by_the_next(lab: FaultyLab, pausing: Decide, resuming: Decide) -> None:
    """Whatever it had begun: all is paused, and all comes back."""
    assert lab.run("pause", decide=pausing).killed
    assert lab.run("pause").code == 0
    assert standing(lab) == {f"{NAME}-ada": "Stopped"}
    assert kept(lab).keys() == {f"endpoint/{NAME}", f"notebook-instance/{NAME}-ada"}
    assert lab.run("resume", decide=resuming).killed
    assert lab.run("resume").code == 0
    assert standing(lab) == {NAME: "InService", f"{NAME}-ada": "InService"}
    assert kept(lab) == {}


@pytest.mark.parametrize("decide", [answers_lost(), throttled(1)], ids=["lost", "throttled"])
def test_what_aws_does_is_borne(lab: FaultyLab, decide: Decide) -> None:
    """Every answer is lost once, or a fifth of all calls is refused: neither command fails, and nothing is lost."""
    paused = lab.run("pause", decide=decide)
    assert (paused.code, paused.broken > 0) == (0, True), paused.output
    assert standing(lab) == {f"{NAME}-ada": "Stopped"}
    resumed = lab.run("resume", decide=decide)
    assert (resumed.code, resumed.broken > 0) == (0, True), resumed.output
    assert standing(lab) == {NAME: "InService", f"{NAME}-ada": "InService"}
    assert kept(lab) == {}
