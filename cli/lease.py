"""When a lab ends by itself: the schedule that starts its teardown in the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from datetime import datetime

    from cli.place import Place


def end(here: Place, lab: str) -> datetime | None:
    """The lease's end as EventBridge Scheduler has it; None for a lab that stands until it is taken down."""
    scheduler = here.client("scheduler")
    try:
        return cast("datetime | None", scheduler.get_schedule(Name=f"{lab}-lease-end").get("StartDate"))
    except scheduler.exceptions.ResourceNotFoundException:
        return None
