"""What a small service of ours holds, by AWS's names, each change kept before it counts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from embedded_aws import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.database import Database

    Document = dict[str, Any]


class Scope(NamedTuple):
    """An account, in a region."""

    account: str
    region: str


class Records:
    """Documents by kind, scope and name; a document is replaced, never changed in place. Thread-safe.

    They are kept in the database's table of this name.
    """

    def __init__(self, table: str, database: Database | None = None) -> None:
        """Take up what the database has. Raises StateError."""
        self._table = table
        self._documents: dict[tuple[str, Scope, str], Document] = {}
        self._lock = threading.RLock()
        self._database = database
        if database:
            database.create(
                f"CREATE TABLE IF NOT EXISTS {table} (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
                "account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, "
                "UNIQUE (kind, account, region, name))"
            )
            query = f"SELECT kind, account, region, name, document FROM {table} ORDER BY number"  # noqa: S608 - a name of ours
            for kind, account, region, name, text in database.rows(query):
                self._documents[kind, Scope(account, region), name] = documents.read(text)

    def find(self, kind: str, scope: Scope, name: str) -> Document | None:
        """Return the document of that name, or None."""
        return self._documents.get((kind, scope, name))

    def all(self, kind: str, scope: Scope) -> list[Document]:
        """Return all of a kind, in the order in which they were made."""
        return [found for (of, where, _), found in self._items() if (of, where) == (kind, scope)]

    def every(self, kind: str) -> Iterator[tuple[Scope, Document]]:
        """Yield all of a kind, of every account and region."""
        for (of, scope, _), found in self._items():
            if of == kind:
                yield scope, found

    def put(self, kind: str, scope: Scope, name: str, document: Document) -> None:
        """Make or replace a document. Raises StateError if it can't be kept."""
        with self._lock:
            if self._database:
                with self._database.transaction() as connection:
                    connection.execute(
                        f"INSERT INTO {self._table} (kind, account, region, name, document) "  # noqa: S608
                        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, account, region, name) "
                        "DO UPDATE SET document = excluded.document",
                        (kind, *scope, name, documents.write(document)),
                    )
            self._documents[kind, scope, name] = document

    def remove(self, kind: str, scope: Scope, name: str) -> None:
        """Remove a document; do nothing if it is gone already. Raises StateError if that can't be kept."""
        with self._lock:
            if self._database:
                with self._database.transaction() as connection:
                    connection.execute(
                        f"DELETE FROM {self._table} WHERE (kind, account, region, name) = (?, ?, ?, ?)",  # noqa: S608
                        (kind, *scope, name),
                    )
            self._documents.pop((kind, scope, name), None)

    def forget(self, account: str) -> None:
        """Remove all that an account has."""
        for kind, scope, name in [key for key, _ in self._items() if key[1].account == account]:
            self.remove(kind, scope, name)

    def _items(self) -> list[tuple[tuple[str, Scope, str], Document]]:
        return list(self._documents.items())  # in one step, which no writer comes between
