"""Contents of small objects, in rows of the database: a file for each would take longer to make than all the rest.

A row that nothing names any more goes with some others, for each that goes costs a put a tenth of its time; those that
a killed process has left go when the next one begins (`sweep`).
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from embedded_aws.database import StateError
from embedded_aws.storage.contents import Content, Holder, Piece

if TYPE_CHECKING:
    import sqlite3
    from typing import BinaryIO

    from embedded_aws.database import Database

MOST_BYTES = 16 * 1024
_MOST_UNUSED = 64  # rows: a megabyte at most
_TABLE = "CREATE TABLE IF NOT EXISTS s3_contents (name INTEGER PRIMARY KEY, body BLOB NOT NULL)"


class SmallContents:
    """All of them. They come in the transactions in which rows begin to name them."""

    def __init__(self, database: Database) -> None:
        database.create(_TABLE)
        self._database = database
        self._last: int = database.rows("SELECT coalesce(max(name), 0) FROM s3_contents")[0][0]
        self._found: WeakValueDictionary[int, SmallContent] = WeakValueDictionary()
        self._unused: set[SmallContent] = set()

    def add(self, connection: sqlite3.Connection, body: bytes) -> Content:
        """Write one within a transaction."""
        self._last += 1
        connection.execute("INSERT INTO s3_contents VALUES (?, ?)", (self._last, body))
        made = self._found[self._last] = SmallContent(self, self._last)
        return Content((Piece(made, 0, len(body)),))

    def drop(self, one: SmallContent) -> None:
        """Take note that no row names one any more."""
        self._unused.add(one)

    def remove_unused(self) -> None:
        """Remove those that no row names any more, if they are many; what can't be written is tried the next time."""
        if len(self._unused) < _MOST_UNUSED:
            return
        names = [(one.name,) for one in self._unused if not one.uses]
        with contextlib.suppress(StateError):
            with self._database.transaction() as connection:
                connection.executemany("DELETE FROM s3_contents WHERE name = ?", names)
            self._unused.clear()

    def sweep(self) -> None:
        """Remove every one that nothing has asked for."""
        with self._database.transaction() as connection:
            names = [row for row in connection.execute("SELECT name FROM s3_contents") if row[0] not in self._found]
            connection.executemany("DELETE FROM s3_contents WHERE name = ?", names)

    def clear(self, connection: sqlite3.Connection) -> None:
        """Remove all within a transaction."""
        connection.execute("DELETE FROM s3_contents")

    def find(self, name: int) -> SmallContent:
        """Return the one of that name; it may be gone."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = SmallContent(self, name)
        return found

    def read(self, name: str | int) -> bytes:
        """Return the bytes of the one of that name. Raises OSError if it is gone."""
        found = self._database.rows("SELECT body FROM s3_contents WHERE name = ?", name)
        if not found:
            raise FileNotFoundError(f"content {name} is not in the database")
        return bytes(found[0][0])

    def sizes(self) -> dict[str | int, int]:
        """Return the sizes of all, by name."""
        return dict(self._database.rows("SELECT name, length(body) FROM s3_contents"))


class SmallContent(Holder):
    """One of them."""

    __slots__ = ("_all",)

    def __init__(self, contents: SmallContents, name: int) -> None:
        super().__init__(name)
        self._all = contents

    def open(self) -> BinaryIO:
        """Return its bytes as a file. Raises OSError if it is gone."""
        return io.BytesIO(self._all.read(self.name))

    def drop(self) -> None:
        """Count one row less."""
        super().drop()
        if not self.uses:
            self._all.drop(self)
