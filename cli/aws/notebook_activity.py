"""When each notebook instance wrote to its log the last time: the newest sign of a student that AWS keeps.

Streams are `<notebook instance>/jupyter.log` and those of its lifecycle, as teardown/logs.py has it. CloudWatch Logs
updates lastEventTimestamp and lastIngestionTime with a delay, usually of less than an hour (its API reference,
LogStream): a seat may be livelier than it seems, never less.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from teardown import refusals
from teardown.logs import group_of_streams
from teardown.names import prefix
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from cli.aws.session import Session


def read(session: Session, lab: str) -> dict[str, datetime]:
    """Return the time of the last line of each of the lab's notebook instances, by name."""
    found: dict[str, datetime] = {}
    pages = session.client("logs").get_paginator("describe_log_streams")
    asked = {"logGroupName": group_of_streams("notebook_instance"), "logStreamNamePrefix": prefix(lab)}
    with refusals.suppress(Refusal.GONE):  # no notebook instance has written yet
        for stream in (each for page in pages.paginate(**asked) for each in page["logStreams"]):
            stamp = max(stream.get("lastEventTimestamp", 0), stream.get("lastIngestionTime", 0))
            if stamp:
                name, moment = stream["logStreamName"].partition("/")[0], datetime.fromtimestamp(stamp / 1000, UTC)
                found[name] = max(moment, found.get(name, moment))
    return found
