"""Updates of the lab's endpoint, as its user meets them: traffic that moves, an alarm that rolls it back, hostings."""

from __future__ import annotations

import io
import json
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Lab

    Up = Callable[..., str]

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "shift"
ALARM = f"{NAME}-rollout-errors"
NAMED = ("-c", f"lab.name={NAME}")
CHANGED = ("-c", "lab.seed=1")


@pytest.fixture(scope="module")
def up(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Up:
    """`./lab up` of a small lab; on its embedded AWS, which asks policies, a minute of baking is six seconds."""
    lab.environment["BRICKLAB_ENFORCE_IAM"] = "1"
    home = lab.home / "aws"
    gateway.start(
        home, cache=paths.cache(), environment=tool_environment(), enforce=True, pace=0.1, port=0, owner=os.getpid()
    )
    data = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for part, images in (("train", 200), ("test", 20)):
        np.save(data / f"lego-simple-{part}-images.npy", rng.random((images, 48, 48)))
        np.save(data / f"lego-simple-{part}-labels.npy", np.arange(images) % 10)
    settings = {"name": NAME, "seats": 0, "data": data, "epochs": 1, "rollout": "canary:10%:60"}
    given = [word for key, value in settings.items() for word in ("-c", f"lab.{key}={value}")]
    return lambda *more, code=0: lab("up", *given, *more, code=code)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A grey photo."""
    file = tmp_path / "photo.png"
    Image.fromarray(np.full((48, 48), 128, np.uint8)).save(file)
    return file


def described(lab: Lab, name: str = NAME) -> dict[str, Any]:
    """The endpoint."""
    found: dict[str, Any] = lab.client("sagemaker").describe_endpoint(EndpointName=name)
    return found


def model(lab: Lab) -> str:
    """The model that answers."""
    body = io.BytesIO()
    np.save(body, np.zeros((48, 48), np.uint8))
    answer = lab.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=NAME, ContentType="application/x-npy", Body=body.getvalue()
    )
    return str(json.loads(answer["Body"].read())["model"])


def test_an_update_that_an_alarm_rolls_back_fails_and_leaves_what_served(lab: Lab, up: Up) -> None:
    """CloudFormation takes it for success; the stack's own look does not, and names the alarm.

    The old config is there, serves, and its model answers; the stack's rollback ends, though SageMaker refuses it the
    config that serves.
    """
    up()
    before, answered = described(lab)["EndpointConfigName"], model(lab)
    assert answered
    over = threading.Event()
    asking = threading.Thread(target=ask_for_nonsense, args=(lab, over))
    asking.start()
    try:
        said = up(*CHANGED, code=1)
    finally:
        over.set()
        asking.join()
    assert ALARM in said
    assert "currently in use" not in said
    after = described(lab)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", before)
    assert [each["EndpointConfigName"] for each in configs(lab)] == [before]
    assert model(lab) == answered
    statuses = {each["StackName"]: each["StackStatus"] for each in stacks(lab)}
    assert statuses[f"{NAME}-endpoint"] == "UPDATE_ROLLBACK_COMPLETE"


def test_the_next_update_brings_the_new_model_step_by_step(lab: Lab, up: Up) -> None:
    """Nothing is in its way any more: `up` shows the stages, and another model answers."""
    before, answered = described(lab)["EndpointConfigName"], model(lab)
    shown = up(*CHANGED)
    assert "Baking" in shown
    after = described(lab)
    assert after["EndpointConfigName"] != before
    assert [each["EndpointConfigName"] for each in configs(lab)] == [after["EndpointConfigName"]]
    assert model(lab) not in {answered, ""}


@pytest.mark.parametrize("hosting", ["serverless", "async"])
def test_another_hosting_is_another_endpoint_and_predict_asks_it(lab: Lab, up: Up, photo: Path, hosting: str) -> None:
    """It is made and looked at before the one from before goes; the same command asks it, after a pause too."""
    up(*CHANGED, "-c", f"lab.hosting={hosting}", "-c", "lab.rollout=all-at-once")
    name = f"{NAME}-{hosting}"
    assert [each["EndpointName"] for each in lab.client("sagemaker").list_endpoints()["Endpoints"]] == [name]
    answer = json.loads(lab("predict", str(photo), *NAMED, "--json"))[str(photo)][0]
    assert answer["label"] in answer["probabilities"]
    text = photo.with_name("text.png")
    text.write_text("brick")
    assert f"{text}: the model refused it: The body is not a" in lab("predict", str(text), *NAMED, code=1)
    found = json.loads(lab("status", "--json", *NAMED))["endpoint"]
    assert (found["name"], found["status"], found["hosting"]) == (name, "InService", hosting)
    bill = json.loads(lab("cost", "--json", *NAMED))
    [cost] = [each["usd_hour"] for each in bill["resources"] if each["kind"] == "endpoint"]
    assert cost == {"serverless": 0.0, "async": 0.115}[hosting]
    lab("pause", *NAMED)
    assert lab.client("sagemaker").list_endpoints()["Endpoints"] == []
    lab("resume", *NAMED)
    again = json.loads(lab("predict", str(photo), *NAMED, "--json"))[str(photo)][0]
    assert (again["label"], described(lab, name)["EndpointStatus"]) == (answer["label"], "InService")


def test_down_leaves_nothing_of_it(lab: Lab) -> None:
    """Alarms, topics and the function's log go with the lab."""
    receipt = json.loads(lab("down", "--keep-aws", "--json", *NAMED))
    assert receipt["clean"]
    assert not lab.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert not lab.client("sns").list_topics()["Topics"]
    assert not lab.client("logs").describe_log_groups()["logGroups"]


def stacks(lab: Lab) -> list[dict[str, Any]]:
    """The stacks there are."""
    found: list[dict[str, Any]] = lab.client("cloudformation").describe_stacks()["Stacks"]
    return found


def configs(lab: Lab) -> list[dict[str, Any]]:
    """The endpoint configurations there are."""
    found: list[dict[str, Any]] = lab.client("sagemaker").list_endpoint_configs()["EndpointConfigs"]
    return found


def ask_for_nonsense(lab: Lab, over: threading.Event) -> None:
    """Send what is no photo, as a class may: the container answers 500 to it, whichever model is asked."""
    runtime = lab.client("sagemaker-runtime")
    while not over.wait(0.1):
        with suppress(runtime.exceptions.ModelError):
            runtime.invoke_endpoint(EndpointName=NAME, ContentType="image/png", Body=b"no photo")
