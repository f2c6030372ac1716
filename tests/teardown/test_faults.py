"""A teardown is killed before each of its calls; the next one finishes.

To be killed after a call was answered is to be killed before the next one: of what it has done only the account knows.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from teardown.teardown import Teardown
from tests.teardown.embedded_account import TOPIC, TRUST, EmbeddedAccount, custom
from tests.teardown.fake_sagemaker import FakeSageMaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from teardown.receipt import Receipt

TRANSFORM, IMAGE = "/aws/sagemaker/TransformJobs", "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2"
READING = ("Describe", "Get", "List")
LOOKS = 400


class Killed(Exception):  # noqa: N818 - it is no error of anybody's
    """The process ended here."""


class Faulty:
    """Clients that kill their caller before its `nth` call that changes something."""

    def __init__(self, client: Callable[[str], Any], nth: int) -> None:
        self._client, self._left = client, nth
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        """A client."""
        if service not in self._made:
            self._made[service] = self._client(service)
            self._made[service].meta.events.register("before-call", self._pass)
        return self._made[service]

    def run(self, lab: str) -> Receipt:
        """The whole teardown; its receipt, unless it is killed."""
        try:
            return run(self, lab)
        finally:
            for made in self._made.values():
                made.meta.events.unregister("before-call", self._pass)

    def _pass(self, model: Any, **_: Any) -> None:
        if model.name.startswith(READING):
            return
        self._left -= 1
        if self._left == 0:
            raise Killed(model.name)


def model(aws: EmbeddedAccount, name: str) -> None:
    """A model and an endpoint config."""
    sagemaker = aws.client("sagemaker")
    sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=aws.role)
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def build(aws: EmbeddedAccount, lab: str) -> None:
    """Something of everything that a teardown deletes."""
    aws.stack(f"{lab}-storage", {**TOPIC, "Contents": custom(aws.stubborn, "Delete")}, lab=lab)
    aws.stack(f"{lab}-operations", TOPIC, lab=lab)
    model(aws, f"{lab}-ada-x")
    aws.write(f"/aws/lambda/{lab}-storage-Fn")
    aws.write(TRANSFORM, f"{lab}-ada-x/algo-1")
    aws.parameter(f"/{lab}/paused/x")
    aws.schedule(f"{lab}-lease-end")


def run(client: Callable[[str], Any], lab: str) -> Receipt:
    """The whole teardown; its receipt."""
    teardown = Teardown(client, lab)
    finish(teardown.clear)
    while teardown.retry():
        finish(teardown.clear)
    for step in (teardown.sweep, teardown.finish, teardown.sweep):
        finish(step)
    return teardown.receipt


def finish(step: Callable[[], list[Any]]) -> None:
    """Repeat a step until it waits for nothing."""
    for _ in range(LOOKS):
        if not step():
            return
        time.sleep(0.02)
    raise AssertionError(step())


@pytest.fixture(scope="module")
def neighbours(aws: EmbeddedAccount) -> set[str]:
    """A lab whose name begins like ours, which has everything that ours has."""
    build(aws, "faulty-two")
    return aws.inventory()


def test_the_next_teardown_finishes_what_one_has_begun(aws: EmbeddedAccount, neighbours: set[str]) -> None:
    """Wherever it was killed: nothing is left of the lab, and everything of its neighbour."""
    killed: list[str] = []
    while True:
        build(aws, "faulty")
        try:
            Faulty(aws.client, len(killed) + 1).run("faulty")
        except Killed as error:
            killed.append(str(error))
        else:
            break
        assert run(aws.client, "faulty").clean
        assert aws.inventory() == neighbours
    assert aws.inventory() == neighbours
    assert {"DeleteEndpointConfig", "DeleteModel", "DeleteLogGroup", "DeleteLogStream"} < set(killed)
    assert {"DeleteParameter", "DeleteSchedule"} < set(killed)
    assert killed.count("DeleteStack") == 3


def test_a_second_teardown_changes_nothing(aws: EmbeddedAccount, neighbours: set[str]) -> None:
    """It makes no call that could, and its receipt is empty and clean."""
    receipt = Faulty(aws.client, 1).run("faulty")
    assert receipt.clean
    assert not receipt.found
    assert aws.inventory() == neighbours


def test_a_seat_waits_while_nobody_has_looked_for_its_endpoints(aws: EmbeddedAccount) -> None:
    """What goes before endpoints holds the look at them up: the role that they need may not go meanwhile."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    aws.stack("held-seat-ada", {"Role": role}, lab="held", tags={"bricklab:seat": "ada"})
    account = FakeSageMaker()
    account.add("MonitoringSchedule", "held-x")
    account.add("Endpoint", "held-ada-x")
    faked = {"sagemaker", "application-autoscaling", "resourcegroupstaggingapi"}
    teardown = Teardown(lambda name: account.client(name) if name in faked else aws.client(name), "held")
    while account.items:
        assert aws.status("held-seat-ada") == "CREATE_COMPLETE"
        teardown.clear()
    finish(teardown.clear)
    account.close()
    assert not [name for name in aws.inventory() if name.startswith("stack held")]
