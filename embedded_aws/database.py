"""The database of an embedded AWS: one SQLite file (WAL) in its state folder, from which it comes back as it was.

A transaction that has returned survives the end of the process, however that comes, and of the machine once the
operating system has written it, within half a minute or so; one that has not returned leaves nothing. Each part of the
embedded AWS that keeps something here makes its own tables. What is in them is JSON, for people to look at.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

FORMAT = 1
"""What the tables mean; a later version raises it when they mean something else."""
_FILE = "state.db"
_BUSY_SECONDS = 10
_JOURNAL_BYTES = 16 * 2**20  # of the log of changes, which one large change may make longer for a while
_ALIVE_SECONDS = 5.0


_WHOLE: set[tuple[str, int, int, int]] = set()  # files that were looked through, as they were then


class StateError(RuntimeError):
    """The state can't be used or written: what, where and what to do, in a sentence or two."""


def path(state: Path) -> Path:
    """Return the database's file in a state folder."""
    return state / _FILE


def noted(state: Path) -> dict[str, Any]:
    """Return what is noted of the embedded AWS that kept its state there; nothing if there is none.

    `alive` is when it lived last, `ended` when it was ended in order, in seconds since the epoch. Raises StateError if
    what is kept can't be used.
    """
    file = path(state)
    with _readable(state):
        if not file.exists():
            return {}
        _check_owner(file)
        if not os.access(state, os.W_OK) or not os.access(file, os.W_OK):
            raise StateError(f"The state of the embedded AWS in {state} can't be written to: make it writable.")
        with contextlib.closing(_connect(file)) as connection:
            found = _notes(connection)
            is_new = "ended" not in found and _as_it_is(file) not in _WHOLE
            if is_new:
                _check_whole(connection, state)
        if is_new:
            _WHOLE.add(_as_it_is(file))  # now that it is closed, and what was in its log is in it
    _check_format(found, state)
    return found


class Database:
    """An open database. May be used from any thread; writes come one after the other."""

    def __init__(self, state: Path) -> None:
        """Open it, or make a new one. Raises StateError."""
        self._state = state
        self._lock = threading.RLock()
        self._alive = 0.0
        with _readable(state):
            self._connection = _connect(path(state))
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
            self._connection.execute("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
            self.before = _notes(self._connection)
            """What was noted when it was opened."""
        path(state).chmod(0o600)
        _check_format(self.before, state)

    def create(self, table: str) -> None:
        """Make a table, or an index, from its definition, if it is not there."""
        with self.transaction() as connection:
            connection.execute(table)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for a change, which is whole and kept when the block has ended, or not made at all.

        Within another one it is a part of that. Raises StateError if it can't be written.
        """
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise StateError(
                    f"The embedded AWS can't write its state in {self._state}: {error}. Nothing of this change was "
                    "made; make room, or mend that, and try again."
                ) from error

    def note(self, **values: Any) -> None:
        """Note something of this embedded AWS; None takes a note away."""
        with self.transaction() as connection:
            for name, value in values.items():
                if value is None:
                    connection.execute("DELETE FROM about WHERE name = ?", (name,))
                else:
                    connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, json.dumps(value)))

    def note_alive(self) -> None:
        """Note that it lives, every few seconds at most."""
        if time.monotonic() - self._alive > _ALIVE_SECONDS:
            self._alive = time.monotonic()
            self.note(alive=time.time())

    def begin(self, **values: Any) -> None:
        """Note that an embedded AWS begins to write here, and what there is to say of it."""
        self.note(format=FORMAT, alive=time.time(), ended=None, **values)

    def end(self) -> None:
        """Note that it has ended in order, and close."""
        self.note(alive=time.time(), ended=time.time())
        self.close()

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._connection.close()


@contextlib.contextmanager
def _readable(state: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
        raise StateError(_broken(state, str(error))) from error


def _as_it_is(file: Path) -> tuple[str, int, int, int]:
    found = file.stat()
    return str(file), found.st_ino, found.st_size, found.st_mtime_ns


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _notes(connection: sqlite3.Connection) -> dict[str, Any]:
    return {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM about")}


def _check_owner(file: Path) -> None:
    if file.stat().st_uid != os.getuid():
        raise StateError(
            f"The state of the embedded AWS in {file.parent} is another user's (user id {file.stat().st_uid}): name "
            "another folder, or make it yours."
        )


def _check_whole(connection: sqlite3.Connection, state: Path) -> None:
    """Raise StateError if SQLite finds it damaged; asked of one that was not ended in order."""
    found: Sequence[Any] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found[0] != "ok":
        raise StateError(_broken(state, str(found[0])))


def _check_format(found: Mapping[str, Any], state: Path) -> None:
    written = found.get("format", FORMAT)
    if written != FORMAT:
        age = "a newer" if written > FORMAT else "an older"
        raise StateError(
            f"The state of the embedded AWS in {state} was written by {age} version (its format is {written}; this one "
            f"reads {FORMAT}). It was left as it is: install the version that wrote it, or put it aside."
        )


def _broken(state: Path, why: str) -> str:
    return (
        f"The state of the embedded AWS in {state} is broken: {why}. It was left as it is; put it aside to begin anew."
    )
