"""CloudWatch's alarms watch the metric of their own dimensions, period by period, and notice that data cease.

ministack puts all metrics of a name together, whatever their dimensions, and looks only when data come; so it does for
who asks without dimensions, and on AWS finds the metric that has none. Sources: CloudWatch's user guide, "Evaluating an
alarm" and "Configuring how CloudWatch alarms treat missing data". Not compared with AWS: how many periods beyond the
evaluated ones it looks back for data (two here), and what becomes of an alarm of `missing` whose few points all breach
(it keeps its state here).

What SageMaker measures goes to the account's metrics from here, without a request to the port for it. It is measured
by the minutes of the embedded AWS's clock, and so are the periods of alarms on it; all other metrics have the time that
is given with them.

An alarm whose action is a scaling policy calls upon it when it goes off, and every minute from then on while it is:
CloudWatch's user guide, "Alarm actions". Not compared with AWS: that one which was put into ALARM by SetAlarmState
without data calls upon nothing.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, ClassVar

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch

from embedded_aws.patches.patching import Patches
from embedded_aws.services.sagemaker.clock import Clock
from embedded_aws.services.sagemaker.metrics.datum import INSTANCES, SAGEMAKER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from embedded_aws.patches.event_loop import EventLoop
    from embedded_aws.services.sagemaker.metrics.datum import MetricDatum

    Scale = Callable[[str, str, str, Mapping[str, Any], Sequence[float]], object]

_EVALUATION_SECONDS = 60
_EVICTION_SECONDS = 3600
_LATE_PERIODS = 2  # for which data may be on their way
_ALARM, _OK, _NO_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"
_MOST_POINTS = 10_000  # that a metric may have: a week of a value a minute, a day under all kinds of load

patches = Patches()


class _Surroundings:
    """What alarms are evaluated by: the clock, and what is called upon for a scaling policy."""

    clock = Clock()
    scale: Scale = staticmethod(lambda *_: None)
    evicted: ClassVar[dict[tuple[str, str], float]] = {}  # when an account's old values went last


def apply(clock: Clock, loop: EventLoop, scale: Scale) -> None:
    """Evaluate alarms so, whenever data come and every minute, and have statistics be of exact dimensions.

    `scale` is called with account, region, the ARN of the action, the alarm and the values for which it is off; it must
    not block.
    """
    _Surroundings.clock, _Surroundings.scale = clock, staticmethod(scale)
    patches.apply()

    def look() -> None:
        while clock.sleep(_EVALUATION_SECONDS, at_least=1.0):
            for account, region in {key[:2] for key in [*cloudwatch._alarms._data]}:
                loop.call_soon(account, region, _look)

    threading.Thread(target=look, name="alarms", daemon=True).start()


def _look() -> None:
    off = [alarm["AlarmName"] for alarm in cloudwatch._alarms.values() if alarm["StateValue"] == _ALARM]
    cloudwatch._evaluate_all_alarms()
    for alarm in list(cloudwatch._alarms.values()):
        if alarm["AlarmName"] in off and alarm["StateValue"] == _ALARM:  # else it has just called
            _call_upon_policies(alarm)


@patches.wraps(cloudwatch._dispatch_alarm_actions)
def _dispatch_alarm_actions(
    original: Callable[[dict[str, Any], str, str, str], None],
    alarm: dict[str, Any],
    old_state: str,
    new_state: str,
    reason: str,
) -> None:
    original(alarm, old_state, new_state, reason)
    if new_state == _ALARM:
        _call_upon_policies(alarm)


def _call_upon_policies(alarm: Mapping[str, Any]) -> None:
    if not alarm.get("ActionsEnabled", True) or not alarm.get("MetricName"):
        return
    for action in alarm.get("AlarmActions") or ():
        if action.startswith("arn:aws:autoscaling:"):
            account, region = get_account_id(), get_region()
            _Surroundings.scale(account, region, action, dict(alarm), _values(alarm))


@patches.wraps(cloudwatch._evict_old_metrics)
def _evict_old_metrics(original: Callable[[], None]) -> None:
    """Let old values go now and then: ministack goes through all values of all metrics at each request."""
    account, now = (get_account_id(), get_region()), time.monotonic()
    if now - _Surroundings.evicted.get(account, -_EVICTION_SECONDS) >= _EVICTION_SECONDS:
        original()
        _Surroundings.evicted[account] = now


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
    values = _values(alarm)
    old, new = alarm["StateValue"], _state(alarm, values)
    if new == old:
        return
    told = ", ".join(map(str, values)) or "no datapoints"
    reason = f"Threshold Crossed: {told} against {alarm['ComparisonOperator']} {alarm['Threshold']}"
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _values(alarm: Mapping[str, Any]) -> list[float]:
    """Return the statistic of the latest periods that have data, the newest last, as many as are evaluated."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or []
    period, wanted = _period(alarm), alarm.get("EvaluationPeriods") or 1
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


def _period(alarm: Mapping[str, Any]) -> float:
    """Return how many seconds a period of an alarm lasts."""
    seconds = float(alarm.get("Period") or 60)
    if not alarm["Namespace"].startswith((SAGEMAKER, INSTANCES)):
        return seconds
    return seconds / 60 * _Surroundings.clock.minute()


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
