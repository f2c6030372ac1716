"""A lab's lease: two schedules of EventBridge Scheduler, one that ends the lab, and one that warns before.

The first fires every minute from the lease's end on, until the lab, and it with the lab, has gone: a teardown that is
broken off, throttled or longer than a function may run goes on a minute later. Once the topic has been told of the end,
the topic stays for a while.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown import names, refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WARNING = timedelta(minutes=30)  # before the end, or a quarter of the lease if that is less
# A topic that is deleted may take with it what it was sent before (SNS's API reference, DeleteTopic); for how long is
# said nowhere.
DELIVERY = timedelta(seconds=30)
TOLD = "Told"  # in what the function is told, once it has told of the end
_EVERY_MINUTE, EVERY_HOUR = "rate(1 minutes)", "rate(1 hours)"
_READ_ONLY = {"Arn", "CreationDate", "LastModificationDate", "ResponseMetadata"}


class LeaseSchedules:
    """The two schedules of one lab. Times are in UTC."""

    def __init__(self, scheduler: Any, lab: str) -> None:
        self._scheduler = scheduler
        self._end, self._warning = names.lease_end_schedule(lab), names.lease_warning_schedule(lab)

    def end(self) -> datetime | None:
        """Return when the lab ends by itself; None if it has no lease."""
        schedule = self._find(self._end)
        return schedule["StartDate"].astimezone(UTC) if schedule else None

    def set(
        self, end: datetime, *, now: datetime, target: Mapping[str, str], work: Mapping[str, str], maker: str
    ) -> None:
        """Make the two schedules, or change them: `target` is Arn and RoleArn, `work` is what the function is told.

        They say who their `maker` is, for `cancel`.
        """
        margin = min(_WARNING, (end - now) / 4)
        put = partial(self._put, target=target, Description=maker)
        put(self._warning, f"at({end - margin:%Y-%m-%dT%H:%M:%S})", {**work, "Do": "warn"})
        put(self._end, _EVERY_MINUTE, {**work, "Do": "end"}, StartDate=end)

    def move(self, end: datetime, *, now: datetime) -> None:
        """Let the lab end at another time. Raises LookupError if there is no lease."""
        schedule = self._find(self._end)
        if schedule is None:
            raise LookupError
        work = json.loads(schedule["Target"]["Input"])
        work.pop(TOLD, None)
        self.set(end, now=now, target=schedule["Target"], work=work, maker=schedule.get("Description", ""))

    def slow_down(self) -> None:
        """Let what could not be ended be tried once an hour."""
        # StartDate must not lie in the past; the next try is in an hour.
        self._change(lambda _: {"ScheduleExpression": EVERY_HOUR}, after=timedelta(hours=1))

    def let_it_be_delivered(self) -> None:
        """Go on when the notice of the end has had time to get to who subscribed, and remember that it was sent."""

        def told(schedule: Mapping[str, Any]) -> dict[str, Any]:
            target = schedule["Target"]
            work = {**json.loads(target["Input"]), TOLD: "yes"}
            return {"Target": {**target, "Input": json.dumps(work, sort_keys=True)}}

        self._change(told, after=DELIVERY)

    def _change(self, change: Callable[[Mapping[str, Any]], dict[str, Any]], *, after: timedelta) -> None:
        schedule = self._find(self._end)
        if schedule:
            kept = {name: value for name, value in schedule.items() if name not in _READ_ONLY}
            self._scheduler.update_schedule(**{**kept, **change(schedule), "StartDate": datetime.now(UTC) + after})

    def cancel(self, *, maker: str = "") -> None:
        """Delete both, or those of them that this `maker` made; what is gone already is fine."""
        for name in (self._end, self._warning):
            if not maker or (self._find(name) or {}).get("Description") == maker:
                with refusals.suppress(Refusal.GONE):
                    self._scheduler.delete_schedule(Name=name)

    def _put(
        self, name: str, expression: str, work: Mapping[str, str], *, target: Mapping[str, str], **more: Any
    ) -> None:
        request = {
            "Name": name,
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": target["Arn"],
                "RoleArn": target["RoleArn"],
                "Input": json.dumps(work, sort_keys=True),
                # The next one comes in a minute.
                "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
            },
            **more,
        }
        if not self._find(name):
            try:
                self._scheduler.create_schedule(**request)
            except self._scheduler.exceptions.ConflictException:  # it is made: the answer got lost
                pass
            else:
                return
        self._scheduler.update_schedule(**request)

    def _find(self, name: str) -> dict[str, Any] | None:
        try:
            return dict(self._scheduler.get_schedule(Name=name))
        except ClientError as error:
            if refusals.classify(error) is Refusal.GONE:
                return None
            raise
