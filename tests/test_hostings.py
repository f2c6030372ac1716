"""Another hosting of the lab's endpoint, as its user meets it: changed, asked, paused and resumed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests import small_lab
from tests.embedded_aws.account import until
from tests.small_lab import CHANGED, described

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Lab
    from tests.small_lab import Up

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "hosted"
NAMED = ("-c", f"lab.name={NAME}")


@pytest.fixture(scope="module")
def up(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Up:
    """`./lab up` of a small lab that is up, and whose instances serve in real time."""
    up = small_lab.begin(lab, tmp_path_factory.mktemp("data"), NAME)
    up(*CHANGED)
    return up


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A grey photo."""
    file = tmp_path / "photo.png"
    Image.fromarray(np.full((48, 48), 128, np.uint8)).save(file)
    return file


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
    until(lambda: re.search(rf"{name} +InService +AllTraffic 100% +[1-9]", lab("watch", *NAMED)), seconds=90)
    lab("pause", *NAMED)
    assert lab.client("sagemaker").list_endpoints()["Endpoints"] == []
    lab("resume", *NAMED)
    again = json.loads(lab("predict", str(photo), *NAMED, "--json"))[str(photo)][0]
    assert (again["label"], described(lab, name)["EndpointStatus"]) == (answer["label"], "InService")


def test_down_leaves_nothing_of_it(lab: Lab) -> None:
    """Queues' topics, alarms and logs of every hosting that it had go with the lab."""
    receipt = json.loads(lab("down", "--keep-aws", "--json", *NAMED))
    assert receipt["clean"]
    assert not lab.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert not lab.client("sns").list_topics()["Topics"]
    assert not lab.client("logs").describe_log_groups()["logGroups"]
