"""Updates move traffic as their DeploymentConfig says, lose no request, and roll back when an alarm goes off.

Two models tell by their answers which of them served: one sums its row up, the other does it tenfold.
"""

from __future__ import annotations

import json
import math
import threading
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.account import Account, answering, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

pytestmark = pytest.mark.usefixtures("ended")
OLD, NEW = 6.0, 60.0
WAIT = 10  # seconds on AWS's clock, 1 here


@pytest.fixture(scope="module")
def models(account: Account) -> tuple[str, str]:
    """The old model and the new one."""
    old, new = (account.model(answering(factor)) for factor in (1.0, 10.0))
    return old, new


@pytest.fixture(scope="module")
def configs(account: Account, models: tuple[str, str]) -> tuple[str, str]:
    """Configurations with two instances of the old model, and of the new one."""
    old, new = (account.config(model, count=2) for model in models)
    return old, new


@pytest.fixture(scope="module")
def endpoint(account: Account, configs: tuple[str, str]) -> str:
    """An endpoint with two instances of the old model; each test leaves it so."""
    return account.endpoint(configs[0])


@pytest.fixture
def alarm(account: Account) -> Iterator[str]:
    """An alarm that is OK until a test says otherwise."""
    name = f"alarm-{uuid.uuid4().hex[:8]}"
    account.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Custom",
        MetricName=name,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1,
        Period=60,
        EvaluationPeriods=1,
        Statistic="Sum",
        TreatMissingData="ignore",
    )
    set_alarm(account, name, "OK")
    yield name
    account.cloudwatch.delete_alarms(AlarmNames=[name])


def set_alarm(account: Account, name: str, state: str) -> None:
    """Have an alarm be in a state."""
    account.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="as the test wants it")


class Watch:
    """What callers and DescribeEndpoint tell while an endpoint changes."""

    def __init__(self, account: Account, endpoint: str) -> None:
        self.answers: list[tuple[datetime, datetime, float]] = []  # when it was asked for and came, and the answer
        self.errors: list[Exception] = []
        self.stages: list[dict[str, Any]] = []  # PendingDeploymentSummary's variant, at each change
        self._account, self._endpoint = account, endpoint
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(2)]
        self._threads.append(threading.Thread(target=self._look))
        for thread in self._threads:
            thread.start()

    def end(self) -> dict[str, Any]:
        """Wait until the endpoint is settled; what DescribeEndpoint answers then."""
        try:
            return self._account.settled(self._endpoint)
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join()

    def messages(self) -> list[str]:
        """The messages of the stages, in their order."""
        return [stage["VariantStatus"][0]["StatusMessage"] for stage in self.stages if "VariantStatus" in stage]

    @property
    def now(self) -> float:
        """What the endpoint answers now."""
        answer: float = self._account.invoke(self._endpoint, [1, 2, 3])["predictions"][0][0]
        return answer

    def shares(self, message: str, part: float) -> bool:
        """Whether the new model has that part of the answers in a stage, as far as requests sent at random tell.

        Four standard deviations: one fair draw in 16,000 is further off.
        """
        stages = [stage["VariantStatus"][0] for stage in self.stages]
        (place,) = (place for place, stage in enumerate(stages) if stage["StatusMessage"] == message)
        begun, ended = (stage["StartTime"] for stage in stages[place : place + 2])
        counts = Counter(answer for asked, came, answer in self.answers if begun < asked and came < ended)
        total = counts.total()
        assert total, "nothing was asked in this stage"
        return abs(counts[NEW] - total * part) <= 4 * math.sqrt(total * part * (1 - part))

    def _call(self) -> None:
        while not self._ended.is_set():
            asked = datetime.now(UTC)
            try:
                answer = self.now
            except (ClientError, OSError) as error:
                self.errors.append(error)
            else:
                self.answers.append((asked, datetime.now(UTC), answer))
            time.sleep(0.02)

    def _look(self) -> None:
        while not self._ended.is_set():
            described = self._account.sagemaker.describe_endpoint(EndpointName=self._endpoint)
            for variant in described.get("PendingDeploymentSummary", {}).get("ProductionVariants", ()):
                if variant.get("VariantStatus") and (not self.stages or self.stages[-1] != variant):
                    self.stages.append(variant)
            time.sleep(0.05)


@pytest.fixture
def update(account: Account, endpoint: str, configs: tuple[str, str]) -> Iterator[Callable[[Mapping[str, Any]], Watch]]:
    """Begin to update the endpoint to the new configuration by a DeploymentConfig; it is brought back afterwards."""

    def begin(deployment: Mapping[str, Any]) -> Watch:
        watch = Watch(account, endpoint)
        account.sagemaker.update_endpoint(
            EndpointName=endpoint, EndpointConfigName=configs[1], DeploymentConfig=deployment
        )
        return watch

    yield begin
    if account.settled(endpoint)["EndpointConfigName"] != configs[0]:
        account.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=configs[0])
        account.settled(endpoint)


def blue_green(kind: str, alarm: str = "", **routing: Any) -> dict[str, Any]:
    """A DeploymentConfig of a blue/green update."""
    traffic = {"Type": kind, "WaitIntervalInSeconds": WAIT, **routing}
    policy = {"TrafficRoutingConfiguration": traffic, "TerminationWaitInSeconds": WAIT}
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}} if alarm else {}
    return {"BlueGreenUpdatePolicy": policy, **rollback}


def size(value: int, kind: str = "CAPACITY_PERCENT") -> dict[str, Any]:
    """A CapacitySize."""
    return {"Type": kind, "Value": value}


def test_a_canary_takes_its_part_and_then_all(
    account: Account, update: Callable[..., Watch], configs: tuple[str, str], alarm: str
) -> None:
    """One of two instances takes half of the requests, bakes, then both take all; nothing is lost."""
    watch = update(blue_green("CANARY", alarm, CanarySize=size(1, "INSTANCE_COUNT")))
    settled = watch.end()
    assert settled["EndpointConfigName"] == configs[1]
    assert "PendingDeploymentSummary" not in settled
    assert watch.errors == []
    canary = (
        f"Baking for {WAIT} seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s)."
    )
    full = (
        f"Baking for {WAIT} seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 2 instance(s)."
    )
    assert [message for message in watch.messages() if message in ("Launching 2 instance(s).", canary, full)] == [
        "Launching 2 instance(s).",
        canary,
        full,
    ]
    (baking,) = (stage for stage in watch.stages if stage["VariantStatus"][0]["StatusMessage"] == canary)
    assert (baking["CurrentInstanceCount"], baking["DesiredInstanceCount"]) == (1, 2)
    assert watch.shares(canary, 0.5)
    assert watch.now == NEW
    account.cloudwatch.describe_alarms(AlarmNames=[alarm])


def test_linear_steps(update: Callable[..., Watch], configs: tuple[str, str]) -> None:
    """Steps of 40 % turn on 40 %, 80 %, all."""
    watch = update(blue_green("LINEAR", LinearStepSize=size(40)))
    assert watch.end()["EndpointConfigName"] == configs[1]
    assert watch.errors == []
    steps = [stage for stage in watch.stages if stage["VariantStatus"][0]["Status"] == "Baking"]
    assert [stage["CurrentInstanceCount"] for stage in steps] == [1, 2, 2]
    bakings = [message for message in watch.messages() if message.startswith("Baking")]
    assert watch.shares(bakings[0], 0.4)
    assert watch.shares(bakings[1], 0.8)


def test_rolling(update: Callable[..., Watch], configs: tuple[str, str]) -> None:
    """Instances of the old fleet end as batches of the new one come up."""
    watch = update({"RollingUpdatePolicy": {"MaximumBatchSize": size(50), "WaitIntervalInSeconds": WAIT}})
    assert watch.end()["EndpointConfigName"] == configs[1]
    assert watch.errors == []
    assert [stage["VariantStatus"][0]["Status"] for stage in watch.stages].count("Baking") == 2
    assert watch.messages().count("Terminating 1 instance(s).") == 2
    assert watch.now == NEW


@pytest.mark.parametrize(
    "deployment",
    [
        blue_green("CANARY", CanarySize=size(50)),
        {"RollingUpdatePolicy": {"MaximumBatchSize": size(50), "WaitIntervalInSeconds": WAIT}},
    ],
    ids=["blue-green", "rolling"],
)
def test_an_alarm_rolls_back(
    account: Account, update: Callable[..., Watch], configs: tuple[str, str], alarm: str, deployment: dict[str, Any]
) -> None:
    """An alarm that goes off in a baking period brings all traffic back; DescribeEndpoint names it."""
    watch = update({**deployment, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}})
    until(lambda: any(answer == NEW for *_, answer in watch.answers))
    set_alarm(account, alarm, "ALARM")
    settled = watch.end()
    assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", configs[0])
    assert alarm in settled["FailureReason"]
    assert "PendingDeploymentSummary" not in settled
    assert settled["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert watch.errors == []
    assert watch.now == OLD


def test_an_alarm_that_is_not_there_rolls_back(update: Callable[..., Watch], configs: tuple[str, str]) -> None:
    """Nothing watches over the update then: it fails, and says so."""
    settled = update(blue_green("ALL_AT_ONCE", "no-such-alarm")).end()
    assert settled["EndpointConfigName"] == configs[0]
    assert "no-such-alarm" in settled["FailureReason"]


def test_an_alarm_can_watch_the_new_fleet_alone(account: Account, update: Callable[..., Watch]) -> None:
    """Metrics come with the dimension EndpointConfigName too."""
    update(blue_green("ALL_AT_ONCE")).end()
    names = {"EndpointName", "VariantName", "EndpointConfigName"}

    def found() -> bool:
        metrics = account.cloudwatch.list_metrics(Namespace="AWS/SageMaker", MetricName="ModelLatency")["Metrics"]
        return any({each["Name"] for each in metric["Dimensions"]} == names for metric in metrics)

    until(found)


@pytest.mark.parametrize(
    ("deployment", "rule"),
    [
        (blue_green("CANARY", CanarySize=size(51)), "CanarySize CAPACITY_PERCENT 51 must be at most 50 per cent"),
        (blue_green("CANARY", CanarySize=size(2, "INSTANCE_COUNT")), "at most 50 per cent of the variant's 2 instance"),
        (blue_green("CANARY"), "Type CANARY needs CanarySize"),
        (blue_green("LINEAR", LinearStepSize=size(9)), "between 10 and 50 per cent"),
        (blue_green("ALL_AT_ONCE", CanarySize=size(10)), "CanarySize is for type CANARY only"),
        ({"RollingUpdatePolicy": {"MaximumBatchSize": size(60), "WaitIntervalInSeconds": 0}}, "between 5 and 50"),
        (
            {
                **blue_green("ALL_AT_ONCE"),
                "RollingUpdatePolicy": {"MaximumBatchSize": size(50), "WaitIntervalInSeconds": 0},
            },
            "not both",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    account: Account, endpoint: str, configs: tuple[str, str], deployment: dict[str, Any], rule: str
) -> None:
    """A wrong DeploymentConfig changes nothing."""
    with pytest.raises(ClientError, match=rule) as caught:
        account.sagemaker.update_endpoint(
            EndpointName=endpoint, EndpointConfigName=configs[1], DeploymentConfig=deployment
        )
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert account.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"


def test_other_variant_names_have_no_guardrails(account: Account, endpoint: str, models: tuple[str, str]) -> None:
    """With a DeploymentConfig the variants must have the names of those that serve."""
    variant = {
        "VariantName": "other",
        "ModelName": models[1],
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    account.sagemaker.create_endpoint_config(EndpointConfigName="others", ProductionVariants=[variant])
    with pytest.raises(ClientError, match="must have the same variant names"):
        account.sagemaker.update_endpoint(
            EndpointName=endpoint, EndpointConfigName="others", DeploymentConfig=blue_green("ALL_AT_ONCE")
        )


def test_instances_and_weights_change_while_they_serve(account: Account, models: tuple[str, str]) -> None:
    """UpdateEndpointWeightsAndCapacities: no request is lost, and an update retains what it is told to."""
    config = account.config(*models, weights=(1, 0))
    endpoint = account.endpoint(config)
    watch = Watch(account, endpoint)
    wanted = [
        {"VariantName": "v0", "DesiredInstanceCount": 2, "DesiredWeight": 3},
        {"VariantName": "v1", "DesiredWeight": 1},
    ]
    answer = account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint, DesiredWeightsAndCapacities=wanted
    )
    assert answer["EndpointArn"].endswith(endpoint)
    assert account.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Updating"
    assert _variants(account.settled(endpoint)) == [(2, 3.0), (1, 1.0)]
    account.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=account.config(*models, weights=(1, 0)),
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    assert _variants(watch.end()) == [(2, 1.0), (1, 0.0)]
    assert watch.errors == []
    account.sagemaker.delete_endpoint(EndpointName=endpoint)


def _variants(described: Mapping[str, Any]) -> list[tuple[int, float]]:
    return [(each["CurrentInstanceCount"], each["CurrentWeight"]) for each in described["ProductionVariants"]]


def test_a_variant_that_is_not_there_cannot_be_scaled(account: Account, endpoint: str) -> None:
    """A wrong name is told, and changes nothing."""
    with pytest.raises(ClientError, match="v9"):
        account.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint, DesiredWeightsAndCapacities=[{"VariantName": "v9", "DesiredInstanceCount": 2}]
        )
    assert account.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"


def test_stays_what_it_was_told_when_the_config_is_given_at_creation(
    account: Account, configs: tuple[str, str]
) -> None:
    """A DeploymentConfig given at creation counts for an update that retains it, and for no other."""
    name = f"endpoint-{uuid.uuid4().hex[:8]}"
    deployment = blue_green("ALL_AT_ONCE")
    account.sagemaker.create_endpoint(
        EndpointName=name, EndpointConfigName=configs[0], DeploymentConfig=json.loads(json.dumps(deployment))
    )
    account.settled(name)
    for retain in (True, False):
        account.sagemaker.update_endpoint(
            EndpointName=name, EndpointConfigName=configs[retain], RetainDeploymentConfig=retain
        )
        settled = account.settled(name)
        assert ("LastDeploymentConfig" in settled) is retain
    account.sagemaker.delete_endpoint(EndpointName=name)
