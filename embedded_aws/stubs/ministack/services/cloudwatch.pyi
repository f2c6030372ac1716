from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ministack.core.responses import AccountRegionScopedDict

_alarms: AccountRegionScopedDict[dict[str, Any]]
_metrics: AccountRegionScopedDict[list[dict[str, Any]], tuple[str, str, str]]

def _calc_stats(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]: ...
def _dims_from_list(dimensions: list[dict[str, str]]) -> dict[str, str]: ...
def _dims_key(dims: Mapping[str, str]) -> str: ...
def _dispatch_alarm_actions(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None: ...
def _evaluate_alarm(alarm: dict[str, Any]) -> None: ...
def _evaluate_all_alarms() -> None: ...
def _evaluate_parent_alarms(child: dict[str, Any], seen: frozenset[str] = ...) -> None: ...
def _metric_bucket(key: tuple[str, str, str]) -> list[dict[str, Any]]: ...
def _record_history(
    alarm_name: str,
    old_state: str,
    new_state: str,
    reason: str,
    alarm_type: str = "MetricAlarm",
    reason_data: Any = None,
) -> None: ...
def _stat_value(
    stats: dict[str, Any], stat_name: str, points: Sequence[Mapping[str, Any]] | None = None
) -> float | None: ...
def _store_datum(
    namespace: str,
    name: str,
    dims: dict[str, str],
    ts: Any,
    unit: str,
    value: float | None,
    values: list[float],
    counts: list[float],
    stat_values: Any,
) -> None: ...
def get_state() -> dict[str, Any]: ...
