"""Updates of the lab's endpoint, as its user meets them: traffic that moves, and an alarm that rolls it back."""

from __future__ import annotations

import io
import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import small_lab
from tests.small_lab import CHANGED, described

if TYPE_CHECKING:
    from tests.conftest import Lab
    from tests.small_lab import Up

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "shift"
ALARM = f"{NAME}-rollout-errors"
NAMED = ("-c", f"lab.name={NAME}")


@pytest.fixture(scope="module")
def up(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Up:
    """`./lab up` of a small lab."""
    return small_lab.begin(lab, tmp_path_factory.mktemp("data"), NAME)


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
    before, answered = described(lab, NAME)["EndpointConfigName"], model(lab)
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
    after = described(lab, NAME)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", before)
    assert [each["EndpointConfigName"] for each in configs(lab)] == [before]
    assert model(lab) == answered
    statuses = {each["StackName"]: each["StackStatus"] for each in stacks(lab)}
    assert statuses[f"{NAME}-endpoint"] == "UPDATE_ROLLBACK_COMPLETE"


def test_the_next_update_brings_the_new_model_step_by_step(lab: Lab, up: Up) -> None:
    """Nothing is in its way any more: `up` shows the stages, and another model answers."""
    before, answered = described(lab, NAME)["EndpointConfigName"], model(lab)
    shown = up(*CHANGED)
    assert "Baking" in shown
    after = described(lab, NAME)
    assert after["EndpointConfigName"] != before
    assert [each["EndpointConfigName"] for each in configs(lab)] == [after["EndpointConfigName"]]
    assert model(lab) not in {answered, ""}


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
