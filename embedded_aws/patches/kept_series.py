"""Lists that only grow, such as a log's events and a metric's values, in the database: what is new is appended."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

    from embedded_aws.database import Database

_TABLE = """
CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, items TEXT NOT NULL)
"""
_SPARE, _FEW = 2, 100  # how much more may be on disk than there is
_INDEX = "CREATE INDEX IF NOT EXISTS series_names ON series (kind, name)"


@dataclass
class _Written:
    count: int
    last: Any
    on_disk: int  # items, with those that have gone since


class KeptSeries:
    """What stands in the database of the series of one kind."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database, self._kind = database, kind
        database.create(_TABLE)
        database.create(_INDEX)
        self._written: dict[str, _Written] = {}

    def load(self) -> dict[str, list[Any]]:
        """Return all series by name; those in many pieces are put together."""
        found: dict[str, list[Any]] = defaultdict(list)
        pieces: dict[str, int] = defaultdict(int)
        for name, items in self._database.rows("SELECT name, items FROM series WHERE kind = ? ORDER BY id", self._kind):
            found[name] += json.loads(items)
            pieces[name] += 1
        with self._database.transaction() as connection:
            for name, items in found.items():
                if pieces[name] > 1:
                    self._rewrite(connection, name, items)
        for name, items in found.items():
            self._written[name] = _Written(len(items), items[-1] if items else None, len(items))
        return found

    def names(self) -> set[str]:
        """Return the names of the series that are written."""
        return {*self._written}

    def write_one(self, connection: sqlite3.Connection, name: str, items: list[Any] | None) -> None:
        """Append what is new of a series; None removes it."""
        if items is None:
            connection.execute("DELETE FROM series WHERE kind = ? AND name = ?", (self._kind, name))
            self._written.pop(name, None)
            return
        new = self._new(name, items)
        if new is None:
            self._rewrite(connection, name, items)
        elif new:
            self._append(connection, name, new)
        if new or new is None:
            earlier = self._written[name].on_disk if new and name in self._written else 0
            on_disk = earlier + len(new) if new else len(items)
            self._written[name] = _Written(len(items), items[-1] if items else None, on_disk)

    def forget_written(self) -> None:
        """Believe nothing to be written: a transaction has failed."""
        self._written = {name: _Written(-1, None, 0) for name in self._written}

    def _new(self, name: str, items: list[Any]) -> list[Any] | None:
        """Return the items that are not written yet; None if what is written is not what comes before them."""
        written = self._written.get(name)
        if written is None or written.count == 0:
            return items
        if written.on_disk > _SPARE * len(items) + _FEW:
            return None  # most of it has gone
        if 0 < written.count <= len(items) and items[written.count - 1] is written.last:
            return items[written.count :]
        # Old ones may have gone from its beginning; on disk they stay for a while.
        for index in range(min(len(items), written.count) - 1, -1, -1):
            if items[index] is written.last:
                return items[index + 1 :]
        return None  # late ones have come in between

    def _append(self, connection: sqlite3.Connection, name: str, items: list[Any]) -> None:
        values = (self._kind, name, json.dumps(items))
        connection.execute("INSERT INTO series (kind, name, items) VALUES (?, ?, ?)", values)

    def _rewrite(self, connection: sqlite3.Connection, name: str, items: list[Any]) -> None:
        connection.execute("DELETE FROM series WHERE kind = ? AND name = ?", (self._kind, name))
        self._append(connection, name, items)
