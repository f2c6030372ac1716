"""The function that the lease's schedules invoke: a warning before the end, and the end itself, a share of it a minute.

An event is {"Do": "warn" or "end", "Lab": name, "Topic": the ARN of the topic that is told}, with {"Told": "yes"} when
the topic has heard of the end: then it may go.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from teardown import clients
from teardown.lease_schedules import TOLD, LeaseSchedules
from teardown.notices import Notices
from teardown.teardown import Teardown

if TYPE_CHECKING:
    from collections.abc import Callable

    from teardown.receipt import Resource

# One invocation's share: the next one comes in a minute. The function's timeout leaves room for the last call.
_SHARE_SECONDS = 50.0
_POLL_SECONDS = 2.0
_LATE_SECONDS = 10.0  # for logs that services write after the end of what they log

Event = dict[str, str]


class Ending:
    """The end of a lab, with its clients and its clock."""

    def __init__(
        self,
        event: Event,
        client: Callable[[str], Any],
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lab, self._client, self._now, self._sleep = event["Lab"], client, now, sleep
        self._notices = Notices(client("sns"), event["Topic"], event["Lab"])
        self._told = TOLD in event
        self._deadline = now() + _SHARE_SECONDS

    def warn(self) -> None:
        """Tell that the end is near."""
        if end := LeaseSchedules(self._client("scheduler"), self._lab).end():
            self._notices.warn(end)

    def end(self) -> None:
        """Do as much as there is time for. The stack that this function is in is the last thing that it asks to go."""
        lease = LeaseSchedules(self._client("scheduler"), self._lab)
        end = lease.end()
        if end is None or end > datetime.now(UTC):  # extended, or over, while this was on its way
            return
        teardown = Teardown(self._client, self._lab, since=end)
        if not self._until(teardown.clear):
            return
        while teardown.retry():
            if not self._until(teardown.clear):
                return
        if not teardown.stuck():
            self._finish(teardown, lease)
        if teardown.stuck():
            lease.slow_down()  # first: the topic may have gone already
            self._notices.stuck(teardown.receipt)

    def _finish(self, teardown: Teardown, lease: LeaseSchedules) -> None:
        if not self._until(teardown.sweep):
            return
        self._sleep(_LATE_SECONDS)
        if not self._until(teardown.sweep):
            return
        if self._told or teardown.finishing():
            teardown.finish()
        else:
            self._notices.ended(teardown.receipt)
            lease.let_it_be_delivered()

    def _until(self, step: Callable[[], list[Resource]]) -> bool:
        """Take the step until it waits for nothing; return whether it came to its end in the time that there is."""
        while waiting := step():
            if self._now() > self._deadline:
                print(f"Goes on in a minute; waits for {', '.join(map(str, waiting))}.")
                return False
            self._sleep(_POLL_SECONDS)
        return True


def on_schedule(event: Event, _context: object) -> None:
    """Entry point of the Lambda function that the schedules invoke."""
    ending = Ending(event, clients.client)
    {"warn": ending.warn, "end": ending.end}[event["Do"]]()
