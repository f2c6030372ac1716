"""The table in which the database keeps the store's records: a row a resource, in the order of their creation.

Members and tags are JSON, as documents.py writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws import documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from embedded_aws.database import Database

Key = tuple[str, str, str, str]
"""A record's type, account, region, and name in lower case."""
Row = dict[str, Any]
"""What is kept of a record, by the names of the columns."""
_COLUMNS = ("type", "account", "region", "name", "arn", "members", "tags")
_NAMES = ", ".join(_COLUMNS)


class RecordTable:
    """The records as they are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(
            "CREATE TABLE IF NOT EXISTS sagemaker_records (number INTEGER PRIMARY KEY, type TEXT NOT NULL, "
            "account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, arn TEXT NOT NULL, "
            "members TEXT NOT NULL, tags TEXT NOT NULL, UNIQUE (type, account, region, name))"
        )

    def rows(self) -> Iterator[Row]:
        """Yield what is kept, in the order of creation."""
        for row in self._database.rows(f"SELECT {_NAMES} FROM sagemaker_records ORDER BY number"):  # noqa: S608 - a constant
            found = dict(zip(_COLUMNS, row, strict=True))
            yield {**found, "members": documents.read(found["members"]), "tags": documents.read(found["tags"])}

    def write(self, changes: Iterable[tuple[Key, Row | None]]) -> None:
        """Keep what these records are now, or that they are gone (None), all or nothing. Raises StateError."""
        with self._database.transaction() as connection:
            for key, row in changes:
                if row is None:
                    connection.execute(
                        "DELETE FROM sagemaker_records WHERE (type, account, region, name) = (?, ?, ?, ?)", key
                    )
                else:
                    values = {**row, "members": documents.write(row["members"]), "tags": documents.write(row["tags"])}
                    connection.execute(
                        f"INSERT INTO sagemaker_records ({_NAMES}) "  # noqa: S608 - a constant
                        "VALUES (:type, :account, :region, :name, :arn, :members, :tags) "
                        "ON CONFLICT (type, account, region, name) DO UPDATE "
                        "SET name = :name, arn = :arn, members = :members, tags = :tags",
                        values,
                    )
