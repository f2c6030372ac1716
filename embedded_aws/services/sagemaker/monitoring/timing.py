"""When a monitoring schedule runs, and which time each of its runs looks at.

Sources: the reference of ScheduleConfig (the expressions, the offsets, the 24 hours) and of EndpointInput
(StartTimeOffset is subtracted from the window's start); the SageMaker SDK's CronExpressionGenerator, by which every 10
hours from midnight is 0, 10 and 20 o'clock of each day; a processing job of Model Monitor's that AWS's sample has in
its log: an hourly run at 23:00 has the hour from 22:00 on. AWS starts up to 20 minutes after the hour, this at once.
Not compared with AWS: that a run looks at the time since the last hour at which one was due, if nothing is said of it;
the sentences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = "NOW"
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_CRON = re.compile(r"cron\(0 (?:\*|(?P<hour>[01]?\d|2[0-3])(?:/(?P<step>0?[1-9]|1\d|2[0-4]))?) \? \* \* \*\)")
_OFFSET = re.compile(
    r"(?P<sign>-?)P(?=[\dT])(?:(?P<days>\d+)D)?(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


@dataclass(frozen=True)
class Window:
    """The time that a run looks at, its end excluded, and when that run was due."""

    start: datetime
    end: datetime
    due: datetime


class Timing:
    """A schedule's times by its MonitoringScheduleConfig. Raises ServiceError for one that AWS refuses."""

    def __init__(self, config: Mapping[str, Any], endpoint_input: Mapping[str, Any]) -> None:
        schedule = config.get("ScheduleConfig")
        if schedule is None:
            raise validation_exception(
                "The embedded AWS picks no time: give MonitoringScheduleConfig.ScheduleConfig a ScheduleExpression."
            )
        self._hours = _hours(schedule["ScheduleExpression"])
        offsets = [schedule.get(f"DataAnalysis{end}Time") for end in ("Start", "End")]
        if offsets.count(None) == 1 or (self.once and None in offsets):
            raise validation_exception(
                "DataAnalysisStartTime and DataAnalysisEndTime are given together, and both with the "
                f"ScheduleExpression {NOW}."
            )
        self._offsets = None if None in offsets else (_offset(offsets[0]), _offset(offsets[1]))
        if self._offsets and not timedelta() < self._offsets[1] - self._offsets[0] <= _DAY:
            raise validation_exception(
                f"DataAnalysisEndTime {offsets[1]} must follow DataAnalysisStartTime {offsets[0]}, by 24 hours at most."
            )
        self._earlier = [_offset(endpoint_input.get(f"{end}TimeOffset", "PT0H")) for end in ("Start", "End")]

    @property
    def once(self) -> bool:
        """Return whether there is one run, at once."""
        return not self._hours

    def next_after(self, moment: datetime) -> datetime:
        """Return when the next run is due."""
        hour = moment.replace(minute=0, second=0, microsecond=0) + _HOUR
        while hour.hour not in self._hours:
            hour += _HOUR
        return hour

    def window(self, due: datetime) -> Window:
        """Return what the run that is due then looks at."""
        if self._offsets:
            start, end = (due + offset for offset in self._offsets)
        else:
            start, end = self._last_before(due), due
        return Window(start - abs(self._earlier[0]), end - abs(self._earlier[1]), due)

    def _last_before(self, due: datetime) -> datetime:
        hour = due - _HOUR
        while hour.hour not in self._hours:
            hour -= _HOUR
        return hour


def _hours(expression: str) -> frozenset[int]:
    """Return the hours of the day at which runs are due; none for NOW."""
    if expression == NOW:
        return frozenset()
    found = _CRON.fullmatch(expression)
    if found is None:
        raise validation_exception(
            f"ScheduleExpression {expression} is none of NOW, cron(0 * ? * * *), cron(0 [00-23] ? * * *) and "
            "cron(0 [00-23]/[01-24] ? * * *)."
        )
    if found["hour"] is None:
        return frozenset(range(24))
    first = int(found["hour"])
    return frozenset((first + more) % 24 for more in range(0, 24, int(found["step"] or 24)))


def _offset(text: str | None) -> timedelta:
    found = _OFFSET.fullmatch(text or "")
    if found is None:
        raise validation_exception(f"{text} is no duration in ISO 8601, such as -PT1H.")
    parts = {name: int(found[name] or 0) for name in ("days", "hours", "minutes", "seconds")}
    length = timedelta(**parts)
    return -length if found["sign"] else length
