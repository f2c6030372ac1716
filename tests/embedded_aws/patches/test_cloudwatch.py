"""CloudWatch's alarms watch one metric, that of their dimensions, as AWS's do."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMESPACE = "lab/alarms"


class Alarms:
    """Alarms on one metric of a name of its own, and values of it."""

    def __init__(self, cloudwatch: Any) -> None:
        self.cloudwatch = cloudwatch
        self.metric = f"errors-{uuid.uuid4().hex[:8]}"
        self._names: list[str] = []

    def put(self, endpoint: str, value: float, *, ago: float = 0.0) -> None:
        """Publish a value of an endpoint's, so many seconds ago."""
        datum = {
            "MetricName": self.metric,
            "Dimensions": [{"Name": "EndpointName", "Value": endpoint}],
            "Value": value,
            "Timestamp": datetime.now(UTC) - timedelta(seconds=ago),
        }
        self.cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])

    def watch(self, endpoint: str, **more: Any) -> str:
        """Put an alarm on an endpoint's errors; its name."""
        name = f"{self.metric}-{endpoint}"
        self._names.append(name)
        self.cloudwatch.put_metric_alarm(
            **{
                "AlarmName": name,
                "Namespace": NAMESPACE,
                "MetricName": self.metric,
                "Dimensions": [{"Name": "EndpointName", "Value": endpoint}],
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 0,
                "ComparisonOperator": "GreaterThanThreshold",
                **more,
            }
        )
        return name

    def state(self, name: str) -> str:
        """An alarm's state."""
        return str(self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])

    def close(self) -> None:
        """Take the alarms away."""
        self.cloudwatch.delete_alarms(AlarmNames=self._names)


@pytest.fixture
def alarms(client: Callable[[str], Any]) -> Iterator[Alarms]:
    """Alarms on a metric that nobody else has."""
    made = Alarms(client("cloudwatch"))
    yield made
    made.close()


def test_an_alarm_watches_its_own_dimensions(alarms: Alarms) -> None:
    """The errors of one endpoint are not another's."""
    good, bad = alarms.watch("good", TreatMissingData="notBreaching"), alarms.watch("bad")
    alarms.put("bad", 1)
    assert (alarms.state(good), alarms.state(bad)) == ("OK", "ALARM")


def test_an_alarm_counts_periods(alarms: Alarms) -> None:
    """Two of three minutes must breach, each by its own sum; two values in one minute are one period."""
    name = alarms.watch("e", EvaluationPeriods=3, DatapointsToAlarm=2, Threshold=1)
    alarms.put("e", 1, ago=120)
    alarms.put("e", 1, ago=120)
    assert alarms.state(name) != "ALARM"
    alarms.put("e", 3, ago=60)
    assert alarms.state(name) == "ALARM"


def test_an_alarm_notices_that_data_cease(alarms: Alarms) -> None:
    """Without data for long it has insufficient data, or is breached, as it was told."""
    alarms.put("e", 1, ago=3600)
    names = [alarms.watch(f"e{how}", TreatMissingData=how) for how in ("missing", "breaching", "notBreaching")]
    deadline = time.monotonic() + 30
    while [alarms.state(name) for name in names] != ["INSUFFICIENT_DATA", "ALARM", "OK"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_request_without_dimensions_finds_the_metric_without(alarms: Alarms) -> None:
    """It does not add up what was measured of everything."""
    alarms.put("e", 1)
    now = datetime.now(UTC)
    window = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=1)}
    answer = alarms.cloudwatch.get_metric_statistics(
        Namespace=NAMESPACE, MetricName=alarms.metric, Period=60, Statistics=["Sum"], **window
    )
    assert answer["Datapoints"] == []
    metric = {"Namespace": NAMESPACE, "MetricName": alarms.metric}
    query = {"Id": "all", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    assert (
        alarms.cloudwatch.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"][0]["Values"] == []
    )
