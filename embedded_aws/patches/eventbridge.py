"""EventBridge: what SageMaker tells goes to the rules of the account's default bus, as AWS's own events do.

And EventBridge Scheduler fires a one-time schedule again that was moved to another time, or made anew, as AWS does;
ministack remembers by name what has fired.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, scheduler

from embedded_aws.patches import service_handlers

if TYPE_CHECKING:
    from embedded_aws.patches.event_loop import EventLoop
    from embedded_aws.services.sagemaker.events import Event

_KEPT_EVENTS = 100
_SCHEDULE = re.compile(r"/schedules/([^/]+)")


def apply() -> None:
    """Let a schedule that is made, changed or deleted count as not yet fired."""
    service_handlers.intercept("scheduler", _forget)


def _forget(method: str, path: str, *_request: object) -> None:
    changed = _SCHEDULE.fullmatch(path)
    if changed and method != "GET":
        key = f"default/{changed[1]}"
        scheduler._schedule_last_fired.pop((get_account_id(), get_region(), key), None)


class DefaultBus:
    """The default bus of every account and region."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop

    def put(self, event: Event) -> None:
        """Let the rules that match an event fire; returns at once."""
        self._loop.call_soon(event.account, event.region, lambda: _put(event))


def _put(event: Event) -> None:
    entry = {
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": json.dumps(event.detail),
        "Resources": event.resources,
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    del eventbridge._events_log_list()[:-_KEPT_EVENTS]  # ministack keeps every event for ever, and asks for none
