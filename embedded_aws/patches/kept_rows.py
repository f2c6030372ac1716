"""The state of ministack's services as rows of the database: one for each resource, written when it is another.

What a service's state is, ministack says itself, by its own `get_state` and `load_persisted_state`; the JSON is that of
its own snapshots. Where `get_state` would copy megabytes each time, it is read from the stores themselves.
"""

from __future__ import annotations

import ast
import json
import logging
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping

    from embedded_aws.database import Database

    State = Mapping[str, Any]
    Fingerprint = Callable[[str, Any], object]

log = logging.getLogger(__name__)

_TABLE = """
CREATE TABLE IF NOT EXISTS services (
    service TEXT, store TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (service, store, key)
) WITHOUT ROWID
"""
_APPENDED = frozenset({"sessions"})
"""Stores whose resources have new names and are never changed: of them only those that have come are looked at."""
_SCOPED = (AccountScopedDict, AccountRegionScopedDict)


class KeptRows:
    """What stands in the database of each service's state."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_TABLE)
        self._written: dict[str, dict[str, dict[str, int]]] = {}  # by service, store and key
        self._fingerprints: dict[tuple[str, str, str], object] = {}
        self._stores: dict[tuple[str, str], tuple[int, Any]] = {}  # how many there were, and the last
        self._refused: set[tuple[str, str]] = set()
        self.one_by_one: set[str] = set()
        """Stores of which `write` is not told, because their resources are written each by itself."""

    def load(self) -> dict[str, dict[str, Any]]:
        """Return the kept states by service, as `load_persisted_state` takes them."""
        states: dict[str, dict[str, Any]] = {}
        for service, store, key, value in self._look_up():
            state = states.setdefault(service, {})
            content = json.loads(value, object_hook=persistence._json_object_hook)
            if not key:
                state[store] = content
                continue
            scoped = ast.literal_eval(key)
            kind = AccountScopedDict if len(scoped) == len(("account", "key")) else AccountRegionScopedDict
            state.setdefault(store, kind())._data[scoped] = content
        return states

    def write(
        self, connection: sqlite3.Connection, service: str, state: State, *, fingerprint: Fingerprint | None = None
    ) -> None:
        """Write what is new or another in a service's state, and remove what is gone.

        `fingerprint` says cheaply whether a resource, of a store, may be another than the last time; None: it may.
        """
        written = self._written.setdefault(service, {})
        found: dict[str, set[str]] = {}
        longer = set()
        for store in _APPENDED & state.keys():
            come = self._come(service, store, state[store]._data)
            if come is not None:
                longer.add(store)
                for key, value in come:
                    self._write_row(connection, service, store, repr(key), value)
        for store, key, value in _resources({name: state[name] for name in state.keys() - longer}):
            found.setdefault(store, set()).add(key)
            print_now = fingerprint(store, value) if fingerprint else None
            as_before = print_now is not None and self._fingerprints.get((service, store, key)) == print_now
            if as_before and key in written.get(store, {}):
                continue
            self._write_row(connection, service, store, key, value)
            self._fingerprints[service, store, key] = print_now
        for store in written.keys() - longer - self.one_by_one:
            for key in written[store].keys() - found.get(store, set()):
                self._delete_row(connection, service, store, key)

    def write_one(
        self, connection: sqlite3.Connection, service: str, store: str, key: tuple[str, ...], value: Any
    ) -> None:
        """Write one resource of a store that is in `one_by_one`, if it is new or another; None removes it."""
        if value is not None:
            self._write_row(connection, service, store, repr(key), value)
        elif repr(key) in self._rows_of(service, store):
            self._delete_row(connection, service, store, repr(key))

    def keys(self, service: str, store: str) -> set[tuple[Any, ...]]:
        """Return the keys of a store's resources that are written."""
        return {ast.literal_eval(key) for key in self._rows_of(service, store)}

    def _rows_of(self, service: str, store: str) -> dict[str, int]:
        """Return the hash of each row of a store, by its key."""
        return self._written.setdefault(service, {}).setdefault(store, {})

    def _write_row(self, connection: sqlite3.Connection, service: str, store: str, key: str, value: Any) -> None:
        written = self._rows_of(service, store)
        text = self._text(service, store, value)
        if text is not None and written.get(key) != hash(text):
            connection.execute("INSERT OR REPLACE INTO services VALUES (?, ?, ?, ?)", (service, store, key, text))
            written[key] = hash(text)

    def _delete_row(self, connection: sqlite3.Connection, service: str, store: str, key: str) -> None:
        row = (service, store, key)
        connection.execute("DELETE FROM services WHERE service = ? AND store = ? AND key = ?", row)
        del self._written[service][store][key]
        self._fingerprints.pop(row, None)

    def _come(self, service: str, store: str, content: Mapping[Any, Any]) -> list[tuple[Any, Any]] | None:
        """Return what has come to a store since the last time; None if more may be another than that."""
        before = self._stores.get((service, store))
        last = next(_backwards(content), None)
        self._stores[service, store] = len(content), last
        if before is None:
            return None
        count, last_before = before
        come = [(key, content[key]) for key in takewhile(lambda key: key != last_before, _backwards(content))]
        return come[::-1] if len(content) == count + len(come) else None

    def holds(self, service: str, store: str, name: str) -> bool:
        """Tell whether a resource of that name, of any account, is written."""
        return any(ast.literal_eval(key)[-1] == name for key in self._rows_of(service, store))

    def forget_written(self) -> None:
        """Look up what is written: a transaction has failed."""
        self._fingerprints, self._stores = {}, {}
        self._look_up()

    def _look_up(self) -> list[tuple[str, str, str, str]]:
        """Take note of what is written, and return it: service, store, key and value of each row."""
        self._written = {}
        rows = self._database.rows("SELECT service, store, key, value FROM services")
        for service, store, key, value in rows:
            self._rows_of(service, store)[key] = hash(value)
        return rows

    def _text(self, service: str, store: str, value: Any) -> str | None:
        try:
            return json.dumps(value, default=persistence._json_default)
        except TypeError:
            if (service, store) not in self._refused:
                self._refused.add((service, store))
                log.exception("%s of %s can't be kept", store, service)
            return None


def _backwards(content: Any) -> Iterator[Any]:
    return iter(reversed(content))


def _resources(state: State) -> Iterator[tuple[str, str, Any]]:
    """Yield store, key and value of each resource; the key of what is no dictionary of an account's is ""."""
    for store, content in state.items():
        if isinstance(content, _SCOPED):
            for key, value in list(content._data.items()):
                yield store, repr(key), value
        else:
            yield store, "", content
