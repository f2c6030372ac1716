"""Waiting for AWS: a step is repeated until it waits for nothing, or nothing moves any more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from teardown.receipt import Resource

_MINUTES = 30  # longer than an endpoint, a notebook instance or a job takes to settle
LATE = f"nothing has moved for {_MINUTES} minutes: look at it with the AWS CLI"
_SOONEST, _LATEST, _GROWTH = 0.1, 5.0, 1.5  # seconds between two looks: soon at first, then AWS is spared


def until(step: Callable[[], list[Resource]], notice: Callable[[str], None]) -> list[Resource]:
    """Call `step` until it waits for nothing; return what it waits for when nothing has changed for half an hour."""
    before, pause, changed = None, _SOONEST, time.monotonic()
    while waiting := step():
        if waiting != before:
            before, pause, changed = waiting, _SOONEST, time.monotonic()
        if time.monotonic() - changed > _MINUTES * 60:
            return waiting
        notice(_shown(waiting))
        time.sleep(pause)
        pause = min(pause * _GROWTH, _LATEST)
    return []


def _shown(waiting: list[Resource]) -> str:
    return str(waiting[0]) if len(waiting) == 1 else f"{waiting[0]} and {len(waiting) - 1} more"
