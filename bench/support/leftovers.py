"""What the database of an embedded AWS still says of things that were removed: rows that name them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# AWS itself tells of a stack that was deleted for 90 days, of an alarm's states for 14, and an upload is known to be
# completed for a day.
_STAYS = ("cloudformation stacks", "cloudformation stack_events", "cloudwatch alarm_history", "s3_completed")


def rows(state: Path, prefix: str) -> dict[str, int]:
    """Return by table how many rows name something that begins with the prefix; what AWS keeps, too, is left out."""
    found: Counter[str] = Counter()
    with contextlib.closing(sqlite3.connect(f"file:{state / 'state.db'}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 - its own names
                # What a line of a log says is no thing.
                if any(isinstance(value, str) and prefix in value for value in (row[:3] if table == "series" else row)):
                    found[f"{row[0]} {row[1]}" if table == "services" else table] += 1
    return {name: times for name, times in found.items() if name not in _STAYS}
