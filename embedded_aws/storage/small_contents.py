"""Contents of small objects, in rows of the database: a file for each would take longer to make than all the rest."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from embedded_aws.storage.contents import Content, Holder, Piece

if TYPE_CHECKING:
    import sqlite3
    from typing import BinaryIO

    from embedded_aws.database import Database

MOST_BYTES = 16 * 1024
_TABLE = "CREATE TABLE IF NOT EXISTS s3_contents (name INTEGER PRIMARY KEY, body BLOB NOT NULL)"


class SmallContents:
    """All of them. They come and go in the transactions in which rows begin and cease to name them."""

    def __init__(self, database: Database) -> None:
        database.create(_TABLE)
        self._database = database
        self._last: int = database.rows("SELECT coalesce(max(name), 0) FROM s3_contents")[0][0]
        self._found: WeakValueDictionary[int, SmallContent] = WeakValueDictionary()

    def add(self, connection: sqlite3.Connection, body: bytes) -> Content:
        """Write one within a transaction."""
        self._last += 1
        connection.execute("INSERT INTO s3_contents VALUES (?, ?)", (self._last, body))
        return Content((Piece(self.find(self._last), 0, len(body)),))

    def remove(self, connection: sqlite3.Connection, one: SmallContent) -> None:
        """Remove one within a transaction."""
        connection.execute("DELETE FROM s3_contents WHERE name = ?", (one.name,))

    def clear(self, connection: sqlite3.Connection) -> None:
        """Remove all within a transaction."""
        connection.execute("DELETE FROM s3_contents")

    def find(self, name: int) -> SmallContent:
        """Return the one of that name; it may be gone."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = SmallContent(self._database, name)
        return found

    def sizes(self) -> dict[str | int, int]:
        """Return the sizes of all, by name."""
        return dict(self._database.rows("SELECT name, length(body) FROM s3_contents"))


class SmallContent(Holder):
    """One of them."""

    __slots__ = ("_database",)

    def __init__(self, database: Database, name: int) -> None:
        super().__init__(name)
        self._database = database

    def open(self) -> BinaryIO:
        """Return its bytes as a file. Raises OSError if it is gone."""
        found = self._database.rows("SELECT body FROM s3_contents WHERE name = ?", self.name)
        if not found:
            raise FileNotFoundError(f"content {self.name} is not in the database")
        return io.BytesIO(found[0][0])
