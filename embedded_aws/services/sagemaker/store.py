"""The store: a record of every resource, with its members and its tags, kept in the embedded AWS's database.

A change that an operation asks for is kept before the operation is answered, or it is not made. One that has happened
(a job has ended) is so whether or not it can be written: if it can't, that is tried again until it can. How a job comes
along, its metrics, is written once a second.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from embedded_aws.database import StateError
from embedded_aws.services.sagemaker.record_table import RecordTable
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES, ResourceType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from embedded_aws.database import Database
    from embedded_aws.services.sagemaker.record_table import Key, Row

log = logging.getLogger(__name__)

_SAVE_SECONDS = 1.0
_asked_for = contextvars.ContextVar("asked_for", default=False)  # what this thread changes is, by an operation


@dataclass(slots=True, eq=False)
class Record:
    """A resource.

    `members` holds what Describe answers and the Create request's own members, under AWS's names; times are aware
    datetimes. It is replaced, never changed in place (`Store.update`), so that a reader holds one consistent state.
    `lock` is held while an operation changes the resource: operations on one resource come one after the other.
    """

    resource_type: ResourceType
    name: str
    arn: str
    account: str
    region: str
    members: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def status(self) -> str:
        """Return the resource's status, "" for a type that has none."""
        return str(self.members[self.resource_type.status]) if self.resource_type.status else ""


OnChange: TypeAlias = "Callable[[Record, Mapping[str, Any] | None], object]"


class Store:
    """Holds every record. Thread-safe: writers come one after the other, readers wait for nobody.

    Names are unique whatever their case: botocore's model says so of endpoints, and all ARNs are in lower case.
    `on_change` is called with the record and its members at every change of its state, in their order, and with None
    once it is removed; `on_stage` likewise at every stage within a state. They must not block. `database` keeps the
    records; without one they end with the store.
    """

    def __init__(
        self,
        on_change: OnChange = lambda _record, _members: None,
        *,
        on_stage: OnChange = lambda _record, _members: None,
        database: Database | None = None,
    ) -> None:
        """Take up what the database has. Raises StateError."""
        self._records: dict[Key, Record] = {}
        self._lock = threading.RLock()
        self._on_change, self._on_stage = on_change, on_stage
        self._unconfirmed: dict[Record, list[dict[str, Any]]] = {}  # with the members of each state until `confirm`
        self._table = RecordTable(database) if database else None
        self._unsaved: dict[Key, None] = {}  # what has changed, and is still to be written
        self._saving = False  # a thread waits to do so
        self._failing = False  # it could not be written
        self._closed = False
        for row in self._table.rows() if self._table else ():
            record = Record(resource_type=RESOURCE_TYPES[row.pop("type")], **row)
            self._records[_key(record)] = record

    @contextlib.contextmanager
    def asked_for(self) -> Iterator[None]:
        """Let all changes that this thread makes in the block be kept or refused: StateError is raised then."""
        token = _asked_for.set(True)
        try:
            yield
        finally:
            _asked_for.reset(token)

    def add(self, record: Record) -> None:
        """Add a new record; it is not kept, and `on_change` not called, before `confirm`.

        Raise AWS's error if the name is taken.
        """
        with self._lock:
            if self._records.setdefault(_key(record), record) is not record:
                raise record.resource_type.already_exists_error(record.arn)
            self._unconfirmed[record] = [record.members]

    def confirm(self, record: Record) -> None:
        """Say that a record's creation succeeded: it is kept, and `on_change` called for each state it has had."""
        with self._lock:
            if record in self._unconfirmed and self._keep(record, _row(record)):
                for members in self._unconfirmed.pop(record):
                    self._on_change(record, members)

    def get(self, resource_type: str, name: str, *, account: str, region: str, verb: str = "Describe") -> Record:
        """Return the record of that name. Raise AWS's not-found error, worded for the operation's verb."""
        record = self.find(resource_type, name, account=account, region=region)
        if record is None:
            raise RESOURCE_TYPES[resource_type].not_found_error(name, account=account, region=region, verb=verb)
        return record

    def find(self, resource_type: str, name: str, *, account: str, region: str) -> Record | None:
        """Return the record of that name, or None."""
        return self._records.get((resource_type, account, region, name.lower()))

    def find_arn(self, arn: str, *, account: str, region: str) -> Record | None:
        """Return the record of that ARN if it is in this account and region, or None."""
        mine = (r for r in self.every() if (r.account, r.region) == (account, region))
        return next((record for record in mine if record.arn == arn), None)

    def all(self, resource_type: str, *, account: str, region: str) -> list[Record]:
        """Return all records of a resource type, in the order of their creation."""
        wanted = (resource_type, account, region)
        return [r for r in self.every() if (r.resource_type.name, r.account, r.region) == wanted]

    def of_account(self, account: str) -> list[Record]:
        """Return all records of an account, of every region and type, in the order of their creation."""
        return [record for record in self.every() if record.account == account]

    def every(self) -> list[Record]:
        """Return all records, of every account, in the order of their creation."""
        return list(self._records.values())  # in one step, which no writer comes between

    def update(self, record: Record, **members: Any) -> None:
        """Set members (None removes one) and LastModifiedTime, atomically."""
        with self._lock:
            before = record.members
            merged = {**before, "LastModifiedTime": datetime.now(UTC), **members}
            after = {name: value for name, value in merged.items() if value is not None}
            if self._kept(record) and not self._keep(record, _row(record, members=after)):
                return
            record.members = after
            if not self.alive(record):
                return
            if record.resource_type.state(before) != record.resource_type.state(after):
                self._changed(record, after)
            stage = record.resource_type.stage(after)
            if stage and stage != record.resource_type.stage(before):
                self._on_stage(record, after)

    def note(self, record: Record, **members: Any) -> None:
        """Set members that tell how a job comes along, as often as it does: they are kept within a second or so.

        They are none of its state.
        """
        with self._lock:
            if not self._closed:
                record.members = {**record.members, "LastModifiedTime": datetime.now(UTC), **members}
                if self._kept(record) and self._table:
                    self._save_later(_key(record))

    def update_if(self, record: Record, allowed: Collection[str], **members: Any) -> bool:
        """Update if the record exists and its status is one of `allowed`. Return whether it did."""
        with self._lock:
            if not self.alive(record) or record.status not in allowed:
                return False
            self.update(record, **members)
            return True

    def tag(self, record: Record, tags: dict[str, str], *, without: Collection[str] = ()) -> None:
        """Set tags, and remove those whose keys are in `without`."""
        with self._lock:
            tagged = {k: v for k, v in {**record.tags, **tags}.items() if k not in without}
            if not self._kept(record) or self._keep(record, _row(record, tags=tagged)):
                record.tags = tagged

    def remove(self, record: Record) -> None:
        """Remove a record; do nothing if it is gone already."""
        with self._lock:
            if not self.alive(record):
                return
            if record in self._unconfirmed:
                del self._unconfirmed[record], self._records[_key(record)]
            elif self._keep(record, None):
                del self._records[_key(record)]
                self._on_change(record, None)

    def alive(self, record: Record) -> bool:
        """Return whether this very record (not a later one of its name) is still in the store."""
        return self._records.get(_key(record)) is record

    def close(self) -> None:
        """Leave all as it is now: what is changed from now on is refused, or counts for nothing."""
        with self._lock:
            self._save()
            self._closed = True

    def _changed(self, record: Record, members: dict[str, Any]) -> None:
        if record in self._unconfirmed:
            self._unconfirmed[record].append(members)
        else:
            self._on_change(record, members)

    def _kept(self, record: Record) -> bool:
        return self.alive(record) and record not in self._unconfirmed

    def _keep(self, record: Record, row: Row | None) -> bool:
        """Write what a record is about to become, None if it is to go; return whether it may. Raises StateError."""
        if self._closed:
            if _asked_for.get():
                raise StateError("The embedded AWS is ending: nothing can be changed any more.")
            return False
        if self._table:
            key = _key(record)
            try:
                self._table.write([*self._unsaved_rows(without=key), (key, row)])
            except StateError as error:
                if _asked_for.get():
                    raise
                self._fail(error)
                self._save_later(key)
            else:
                self._saved()
        return True

    def _unsaved_rows(self, *, without: Key | None = None) -> Iterator[tuple[Key, Row | None]]:
        for key in self._unsaved:
            if key != without:
                record = self._records.get(key)
                yield key, _row(record) if record and record not in self._unconfirmed else None

    def _save_later(self, key: Key) -> None:
        self._unsaved[key] = None
        if not self._saving:
            self._saving = True
            threading.Thread(target=self._save_all, name="sagemaker-store", daemon=True).start()

    def _save_all(self) -> None:
        more = True
        while more:
            time.sleep(_SAVE_SECONDS)
            with self._lock:
                self._save()
                more = self._saving = bool(self._unsaved) and not self._closed

    def _save(self) -> None:
        if self._table and self._unsaved and not self._closed:
            try:
                self._table.write(self._unsaved_rows())
            except StateError as error:
                self._fail(error)
            else:
                self._saved()

    def _saved(self) -> None:
        self._unsaved = {}
        if self._failing:
            log.warning("what had happened is kept now")
        self._failing = False

    def _fail(self, error: StateError) -> None:
        if not self._failing:
            log.error("what has happened can't be kept, and will be once it can: %s", error)
        self._failing = True


def _key(record: Record) -> Key:
    return (record.resource_type.name, record.account, record.region, record.name.lower())


def _row(record: Record, **changes: Any) -> Row:
    """Return what is kept of a record."""
    return {
        "type": record.resource_type.name,
        "account": record.account,
        "region": record.region,
        "name": record.name,
        "arn": record.arn,
        "members": record.members,
        "tags": record.tags,
        **changes,
    }
