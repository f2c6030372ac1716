"""CloudWatch's alarms watch the metric of their own dimensions, period by period, and notice that data cease.

ministack puts all metrics of a name together, whatever their dimensions, and looks only when data come; so it does for
who asks without dimensions, and on AWS finds the metric that has none. Sources: CloudWatch's user guide, "Evaluating an
alarm" and "Configuring how CloudWatch alarms treat missing data". Not compared with AWS: how many periods beyond the
evaluated ones it looks back for data (two here), and what becomes of an alarm of `missing` whose few points all breach
(it keeps its state here).

What SageMaker measures goes to the account's metrics from here, without a request to the port for it.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from embedded_aws.patches.event_loop import EventLoop
    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.metrics.datum import MetricDatum

_EVALUATION_SECONDS = 60
_LATE_PERIODS = 2  # for which data may be on their way
_ALARM, _OK, _NO_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"
_MOST_POINTS = 10_000  # that a metric may have: a week of a value a minute, a day under all kinds of load

patches = Patches()


def apply(clock: Clock, loop: EventLoop) -> None:
    """Evaluate alarms so, whenever data come and every minute, and have statistics be of exact dimensions."""
    patches.apply()

    def look() -> None:
        while clock.sleep(_EVALUATION_SECONDS, at_least=1.0):
            for account, region in {key[:2] for key in [*cloudwatch._alarms._data]}:
                loop.call_soon(account, region, cloudwatch._evaluate_all_alarms)

    threading.Thread(target=look, name="alarms", daemon=True).start()


class Metrics:
    """The metrics of every account and region."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop

    def put(self, datum: MetricDatum) -> None:
        """Add values to a metric; the oldest go when there are too many. Returns at once."""
        self._loop.call_soon(datum.source.account, datum.source.region, lambda: _put(datum))


def _put(datum: MetricDatum) -> None:
    source, dimensions = datum.source, dict(datum.source.dimensions)
    values, counts = [*datum.values], [*datum.values.values()]
    cloudwatch._store_datum(
        source.namespace, datum.name, dimensions, datum.time, datum.unit, None, values, counts, None
    )
    points = cloudwatch._metric_bucket((source.namespace, datum.name, cloudwatch._dims_key(dimensions)))
    del points[:-_MOST_POINTS]
    cloudwatch._evaluate_all_alarms()


class _Exact(dict[str, str]):
    """Dimensions, of which none are dimensions too."""

    def __bool__(self) -> bool:
        return True


@patches.wraps(cloudwatch._dims_from_list)
def _dims_from_list(original: Callable[[Any], dict[str, str]], dimensions: list[dict[str, str]]) -> dict[str, str]:
    return _Exact(original(dimensions))


@patches.replaces(cloudwatch._evaluate_alarm)
def _evaluate_alarm(alarm: dict[str, Any]) -> None:
    name = alarm.get("MetricName")
    if not name:  # an expression: ministack evaluates none
        return
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = cloudwatch._metrics.get((alarm["Namespace"], name, dimensions)) or []
    values = _values(alarm, points)
    old, new = alarm["StateValue"], _state(alarm, values)
    if new == old:
        return
    told = ", ".join(map(str, values)) or "no datapoints"
    reason = f"Threshold Crossed: {told} against {alarm['ComparisonOperator']} {alarm['Threshold']}"
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _values(alarm: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the statistic of the latest periods that have data, the newest last, as many as are evaluated."""
    period, wanted = alarm.get("Period") or 60, alarm.get("EvaluationPeriods") or 1
    first = int(time.time() // period) - wanted - _LATE_PERIODS + 1
    periods: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for point in points:
        number = int(point["Timestamp"] // period)
        if number >= first:
            periods[number].append(point)
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    found = [
        cloudwatch._stat_value(cloudwatch._calc_stats(periods[number]), statistic, periods[number])
        for number in sorted(periods)
    ]
    return [value for value in found if value is not None][-wanted:]


def _state(alarm: Mapping[str, Any], values: Sequence[float]) -> str:
    wanted = alarm.get("EvaluationPeriods") or 1
    enough = alarm.get("DatapointsToAlarm") or wanted
    breaching = sum(_breaches(value, alarm) for value in values)
    missing = wanted - len(values)
    match alarm.get("TreatMissingData") or "missing":
        case "breaching":
            return _ALARM if breaching + missing >= enough else _OK
        case "notBreaching":
            return _ALARM if breaching >= enough else _OK
        case "ignore" if not values:
            return str(alarm["StateValue"])
        case _ if not values:
            return _NO_DATA
    if breaching >= enough:
        return _ALARM
    return str(alarm["StateValue"]) if breaching == len(values) else _OK


def _breaches(value: float, alarm: Mapping[str, Any]) -> bool:
    threshold = alarm["Threshold"]
    match alarm["ComparisonOperator"]:
        case "GreaterThanOrEqualToThreshold":
            return bool(value >= threshold)
        case "GreaterThanThreshold":
            return bool(value > threshold)
        case "LessThanThreshold":
            return bool(value < threshold)
        case "LessThanOrEqualToThreshold":
            return bool(value <= threshold)
    return False
