"""The records of all resources, with their tags."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import events
from embedded_aws.services.sagemaker.resource_types import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_Key = tuple[str, str, str, str]


@dataclass(slots=True, eq=False)
class Record:
    """One resource.

    `members` is what Describe answers plus the Create request's own members, under AWS's names; times are aware
    datetimes. It is replaced, never changed in place (`Store.update`), so that a reader holds one consistent state.
    `lock` is held while an operation changes the resource: operations on one resource come one after the other.
    """

    kind: Kind
    name: str
    arn: str
    account: str
    region: str
    members: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def status(self) -> str:
        """The member that says in which state the resource is; only of kinds that have one."""
        return str(self.members[str(self.kind.status)])


class Store:
    """Every record; safe to use from any thread.

    Names are unique whatever their case: botocore's model says so of endpoints, and all ARNs are in lower case.
    `tell` hears of every change of a resource's state, in their order; it must not wait for anything.
    """

    def __init__(self, tell: Callable[[events.Event], object] = lambda _event: None) -> None:
        self._records: dict[_Key, Record] = {}
        self._lock = threading.RLock()
        self._tell = tell
        self._unconfirmed: dict[Record, list[dict[str, Any]]] = {}  # the states that nobody has been told of

    def add(self, record: Record) -> None:
        """Keep a new record, of which nobody is told before `confirm`. Raises AWS's error if the name is taken."""
        with self._lock:
            if self._records.setdefault(_key(record), record) is not record:
                raise record.kind.taken(record.name, account=record.account, region=record.region)
            self._unconfirmed[record] = [record.members]

    def confirm(self, record: Record) -> None:
        """Its creation was not refused: tell of the states that it has had so far."""
        with self._lock:
            for members in self._unconfirmed.pop(record, ()):
                self._told(record, members)

    def get(self, kind: str, name: str, *, account: str, region: str, verb: str = "Describe") -> Record:
        """The record of that name. Raises AWS's not-found error of the kind, worded for the operation's verb."""
        record = self.find(kind, name, account=account, region=region)
        if record is None:
            raise KINDS[kind].missing(name, account=account, region=region, verb=verb)
        return record

    def find(self, kind: str, name: str, *, account: str, region: str) -> Record | None:
        """The record of that name, if there is one."""
        with self._lock:
            return self._records.get((kind, account, region, name.lower()))

    def find_arn(self, arn: str, *, account: str, region: str) -> Record | None:
        """The record of that ARN, if there is one in this account and region."""
        with self._lock:
            mine = (r for r in self._records.values() if (r.account, r.region) == (account, region))
            return next((record for record in mine if record.arn == arn), None)

    def all(self, kind: str, *, account: str, region: str) -> list[Record]:
        """All records of a kind, in the order of their creation."""
        with self._lock:
            return [r for key, r in self._records.items() if key[:3] == (kind, account, region)]

    def update(self, record: Record, **members: Any) -> None:
        """Set members at once (None takes a member away) and stamp LastModifiedTime."""
        with self._lock:
            before = record.members
            merged = {**before, "LastModifiedTime": datetime.now(UTC), **members}
            record.members = {name: value for name, value in merged.items() if value is not None}
            if self.alive(record) and events.state(record.kind, before) != events.state(record.kind, record.members):
                self._told(record, record.members)

    def update_if(self, record: Record, allowed: Collection[str], **members: Any) -> bool:
        """Update only while the record is kept and its status is one of `allowed`; whether it was."""
        with self._lock:
            if not self.alive(record) or record.status not in allowed:
                return False
            self.update(record, **members)
            return True

    def tag(self, record: Record, tags: dict[str, str], *, without: Collection[str] = ()) -> None:
        """Set tags and take some away."""
        with self._lock:
            record.tags = {k: v for k, v in {**record.tags, **tags}.items() if k not in without}

    def remove(self, record: Record) -> None:
        """Forget a record; one that is gone already stays gone."""
        with self._lock:
            if self.alive(record):
                del self._records[_key(record)]
                if self._unconfirmed.pop(record, None) is None:
                    self._told(record, None)

    def alive(self, record: Record) -> bool:
        """Whether this very record (not a later one of its name) is still kept."""
        with self._lock:
            return self._records.get(_key(record)) is record

    def _told(self, record: Record, members: dict[str, Any] | None) -> None:
        if members is not None and record in self._unconfirmed:
            self._unconfirmed[record].append(members)
        elif event := events.of(record, members):
            self._tell(event)


def _key(record: Record) -> _Key:
    return (record.kind.name, record.account, record.region, record.name.lower())
