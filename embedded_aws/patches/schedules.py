"""EventBridge Scheduler fires a one-time schedule again that was moved to another time, or made anew, as AWS does.

ministack remembers by name what has fired.
"""

from __future__ import annotations

import re

from ministack.core.responses import get_account_id, get_region
from ministack.services import scheduler

from embedded_aws.patches import service_handlers

_SCHEDULE = re.compile(r"/schedules/([^/]+)")


def fire_again_when_changed() -> None:
    """Let what is made, changed or deleted count as not yet fired."""
    service_handlers.before("scheduler", _forgetting)


def _forgetting(method: str, path: str, *_request: object) -> None:
    changed = _SCHEDULE.fullmatch(path)
    if changed and method != "GET":
        key = f"default/{changed[1]}"
        scheduler._schedule_last_fired.pop((get_account_id(), get_region(), key), None)
