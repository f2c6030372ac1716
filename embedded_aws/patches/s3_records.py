"""What S3 holds of its objects and uploads, as rows of the database, and back.

A key is one row: the current object, its versions and delete markers, and what stands elsewhere about each of them
(tags, access control lists, annotations, retention, legal holds). An upload in parts is a row, and each of its parts;
of one that was completed the answer stays for a day, for who did not get it and asks again. Contents lie in files,
which the rows name (object_files.py).
Not compared with AWS: for how long a completed upload is answered so.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ministack.core.responses import now_iso
from ministack.services import s3

from embedded_aws.patches.s3_written import Written
from embedded_aws.storage.contents import Content, Piece
from embedded_aws.storage.small_contents import SmallContents

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from ministack.core.responses import AccountScopedDict

    from embedded_aws.database import Database
    from embedded_aws.storage.contents import Holder
    from embedded_aws.storage.object_files import ObjectFiles

log = logging.getLogger(__name__)

Key = tuple[str, str, str]
"""Account, bucket, key."""
Upload = tuple[str, str]
"""Account, upload id."""
Record = dict[str, Any]

_TABLES = (
    "s3_objects (account TEXT, bucket TEXT, key TEXT, state TEXT NOT NULL, PRIMARY KEY (account, bucket, key))",
    "s3_uploads (account TEXT, upload TEXT, state TEXT NOT NULL, PRIMARY KEY (account, upload))",
    "s3_parts (account TEXT, upload TEXT, number INTEGER, state TEXT NOT NULL, PRIMARY KEY (account, upload, number))",
    "s3_completed (account TEXT, upload TEXT, at REAL NOT NULL, state TEXT NOT NULL, PRIMARY KEY (account, upload))",
)
_ABOUT_VERSIONS = {
    "tags": s3._object_tags,
    "acl": s3._object_acl,
    "annotations": s3._object_annotations,
    "retention": s3._object_retention,
    "legal_hold": s3._object_legal_hold,
}
# A row that is replaced would be a new one, and so would its index's be.
_WRITE_KEY = "INSERT INTO s3_objects VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state"
_WRITE_UPLOAD = "INSERT INTO s3_uploads VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state"
_WRITE_PART = "INSERT INTO s3_parts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state"
_COMPLETED_SECONDS = 24 * 60 * 60
_NAMED = 3  # objects in a message


@dataclass
class Change:
    """What a request may have changed: keys, uploads with the numbers of parts, buckets that are gone."""

    keys: set[Key] = field(default_factory=set)
    uploads: dict[Upload, int | None] = field(default_factory=dict)
    gone: set[tuple[str, str]] = field(default_factory=set)
    then: list[Callable[[], object]] = field(default_factory=list)  # once it is kept
    is_over: bool = False

    def add(self, other: Change) -> None:
        """Change what another one does, too."""
        self.keys |= other.keys
        self.uploads |= other.uploads
        self.gone |= other.gone


class Records:
    """The rows, and what ministack holds in memory of the same."""

    def __init__(self, database: Database, files: ObjectFiles) -> None:
        self._database = database
        self._files = files
        self._small = SmallContents(database)
        self._lock = threading.RLock()  # the event loop, and threads of services that put objects
        self._used: dict[tuple[Any, ...], list[Holder]] = {}  # by row: a Key, or an Upload and a number
        for table in _TABLES:
            database.create(f"CREATE TABLE IF NOT EXISTS {table}")
        database.create("CREATE INDEX IF NOT EXISTS s3_completed_at ON s3_completed (at)")

    def load(self) -> None:
        """Give ministack all that the rows hold, and remove the contents that none of them names."""
        for *address, state in self._database.rows("SELECT account, bucket, key, state FROM s3_objects"):
            self._restore_key(tuple(address), state)
        for upload in self._database.rows("SELECT account, upload FROM s3_uploads"):
            self._restore_upload(upload)
        with self._database.transaction() as connection:
            self._forget_completed(connection)
        for upload in self._database.rows("SELECT account, upload FROM s3_completed"):
            self._restore_upload(upload)
        self._files.sweep()
        self._small.sweep()
        self._tell_lost()

    def keep(self, change: Change) -> None:
        """Write what has changed, whole. Raises OSError, StateError; what was written before stays as it was."""
        with self._lock:
            written = self._write(change)
            for row, holders in written.rows.items():
                self._use(row, holders)
            self._small.remove_unused()

    def _write(self, change: Change) -> Written:
        with self._database.transaction() as connection:
            written = Written(connection, self._files, self._small)
            for account, bucket in change.gone:
                self._forget_bucket(connection, account, bucket, written)
            for address in change.keys:
                self._write_key(connection, address, written)
            for upload, number in change.uploads.items():
                self._write_upload(connection, upload, number, written)
        return written

    def undo(self, change: Change) -> None:
        """Take back in memory what was not written."""
        with self._lock:
            self._undo(change)

    def _undo(self, change: Change) -> None:
        for account, bucket, key in change.keys:
            found = self._database.rows(
                "SELECT state FROM s3_objects WHERE account = ? AND bucket = ? AND key = ?", account, bucket, key
            )
            self._restore_key((account, bucket, key), found[0][0] if found else None)
        for upload in change.uploads:
            self._restore_upload(upload)

    def forget(self) -> None:
        """Remove everything."""
        with self._database.transaction() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table.partition(' ')[0]}")  # noqa: S608 - our own names
            self._small.clear(connection)
        for row in list(self._used):
            self._use(row, None)

    def _use(self, row: tuple[Any, ...], files: list[Holder] | None) -> None:
        """Count the files that a row names now; None: the row is gone."""
        for file in files or ():
            file.use()
        for file in self._used.pop(row, ()):
            file.drop()
        if files is not None:
            self._used[row] = files

    def _write_key(self, connection: sqlite3.Connection, address: Key, written: Written) -> None:
        account, bucket, key = address
        holder = s3._buckets._data.get((account, bucket), {"objects": {}})
        current = holder["objects"].get(key)
        versions = s3._object_versions._data.get((account, (bucket, key)), [])
        if current is None and not versions:
            connection.execute("DELETE FROM s3_objects WHERE account = ? AND bucket = ? AND key = ?", address)
            written.rows[address] = None
            return
        files = written.rows[address] = []
        state = {
            "object": current and written.plain(current, "body", files, may_be_small=True),
            "versions": [written.plain(each, "data", files, may_be_small=True) for each in versions],
            **_about_versions(address),
        }
        connection.execute(_WRITE_KEY, (*address, json.dumps(state)))

    def _write_upload(
        self, connection: sqlite3.Connection, upload: Upload, number: int | None, written: Written
    ) -> None:
        record = s3._multipart_uploads._data.get(upload)
        if record is None:
            for table in ("s3_uploads", "s3_parts"):
                connection.execute(f"DELETE FROM {table} WHERE account = ? AND upload = ?", upload)  # noqa: S608
            written.rows |= {row: None for row in self._used if row[:2] == upload and isinstance(row[2], int)}
            if completed := s3._completed_multipart_uploads._data.get(upload):
                status, headers, body = completed["response"]
                state = {"key": completed["key"], "response": [status, headers, body.decode()]}
                self._forget_completed(connection)
                connection.execute(
                    "INSERT OR IGNORE INTO s3_completed VALUES (?, ?, ?, ?)", (*upload, time.time(), json.dumps(state))
                )
        elif number is None:
            state = {name: value for name, value in record.items() if name != "parts"}
            connection.execute(_WRITE_UPLOAD, (*upload, json.dumps(state)))
        elif part := record["parts"].get(number):
            row = (*upload, number)
            files = written.rows[row] = []
            state = written.plain(part, "body", files)
            connection.execute(_WRITE_PART, (*row, json.dumps(state)))

    @staticmethod
    def _forget_completed(connection: sqlite3.Connection) -> None:
        """Forget uploads that were completed a day ago: nobody completes them once more."""
        old = connection.execute(
            "DELETE FROM s3_completed WHERE at < ? RETURNING account, upload", (time.time() - _COMPLETED_SECONDS,)
        )
        for upload in old.fetchall():
            s3._completed_multipart_uploads._data.pop(upload, None)

    def _forget_bucket(self, connection: sqlite3.Connection, account: str, bucket: str, written: Written) -> None:
        connection.execute("DELETE FROM s3_objects WHERE account = ? AND bucket = ?", (account, bucket))
        written.rows |= {row: None for row in self._used if row[:2] == (account, bucket) and isinstance(row[2], str)}
        stores: list[AccountScopedDict[Any, Any]] = [s3._object_versions, *_ABOUT_VERSIONS.values()]
        for store in stores:
            for scoped in [each for each in store._data if each[0] == account and each[1][0] == bucket]:
                del store._data[scoped]
        for upload, record in list(s3._multipart_uploads._data.items()):
            if upload[0] == account and record["bucket"] == bucket:
                del s3._multipart_uploads._data[upload]
                self._write_upload(connection, upload, None, written)

    def _restore_key(self, address: Key, state: str | None) -> None:
        account, bucket, key = address
        kept = json.loads(state) if state else {"object": None, "versions": []}
        holder = s3._buckets._data.get((account, bucket))
        if holder is None:
            if state is None:
                return
            holder = s3._buckets._data[account, bucket] = {"created": now_iso(), "objects": {}, "region": None}
        for name, stored in _about_versions(address).items():
            for version, _ in stored:
                del _ABOUT_VERSIONS[name]._data[account, (bucket, key, version)]
        holder["objects"].pop(key, None)
        s3._object_versions._data.pop((account, (bucket, key)), None)
        used: list[Holder] = []
        if kept["object"]:
            holder["objects"][key] = self._held(kept["object"], "body", used)
        if kept["versions"]:
            s3._object_versions._data[account, (bucket, key)] = [
                self._held(each, "data", used) for each in kept["versions"]
            ]
        for name, store in _ABOUT_VERSIONS.items():
            for version, value in kept.get(name, ()):
                store._data[account, (bucket, key, version)] = value
        self._use(address, used if state else None)

    def _restore_upload(self, upload: Upload) -> None:
        s3._multipart_uploads._data.pop(upload, None)
        s3._completed_multipart_uploads._data.pop(upload, None)
        where = "WHERE account = ? AND upload = ?"
        for (state,) in self._database.rows(f"SELECT state FROM s3_uploads {where}", *upload):  # noqa: S608
            parts = {}
            for number, part in self._database.rows(f"SELECT number, state FROM s3_parts {where}", *upload):  # noqa: S608
                used: list[Holder] = []
                parts[number] = self._held(json.loads(part), "body", used)
                self._use((*upload, number), used)
            s3._multipart_uploads._data[upload] = {**json.loads(state), "parts": parts}
        for (state,) in self._database.rows(f"SELECT state FROM s3_completed {where}", *upload):  # noqa: S608
            kept = json.loads(state)
            status, headers, body = kept["response"]
            s3._completed_multipart_uploads._data[upload] = {
                "key": kept["key"],
                "response": (status, headers, body.encode()),
            }

    def _held(self, plain: Record, member: str, used: list[Holder]) -> Record:
        """Return a record as ministack has it, of one as a row has it."""
        if plain.get(member) is None:
            return plain
        pieces = []
        for name, begin, size in plain[member]:
            holder = self._files.find(name) if isinstance(name, str) else self._small.find(name)
            holder.size = max(holder.size, begin + size)
            pieces.append(Piece(holder, begin, size))
        content = Content(tuple(pieces))
        used += content.holders()
        return {**plain, member: content}

    def _tell_lost(self) -> None:
        sizes = self._files.sizes() | self._small.sizes()
        lost = [
            f"s3://{row[1]}/{row[2]}"
            for row, files in self._used.items()
            if any(sizes.get(file.name, 0) < file.size for file in files)
        ]
        if lost:
            named = ", ".join(lost[:_NAMED]) + (", …" if len(lost) > _NAMED else "")
            log.warning("%d objects have lost content that was in %s: %s", len(lost), self._files.folder, named)


def _about_versions(address: Key) -> dict[str, list[tuple[str | None, Any]]]:
    """Return what stands elsewhere about the versions of a key, by the name of its table; {} if that is nothing."""
    stores = {name: store for name, store in _ABOUT_VERSIONS.items() if store._data}
    if not stores:
        return {}
    account, bucket, key = address
    holder = s3._buckets._data.get((account, bucket), {"objects": {}})
    current = holder["objects"].get(key) or {}
    versions: Iterable[Record] = s3._object_versions._data.get((account, (bucket, key)), ())
    names = dict.fromkeys([None, "null", current.get("version_id"), *(each["version_id"] for each in versions)])
    return {
        name: [
            (version, store._data[account, (bucket, key, version)])
            for version in names
            if (account, (bucket, key, version)) in store._data
        ]
        for name, store in stores.items()
    }
