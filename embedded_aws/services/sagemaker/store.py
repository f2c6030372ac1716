"""The store: a record of every resource, with its members and its tags."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES, ResourceType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_Key = tuple[str, str, str, str]


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
    """Holds every record. Thread-safe.

    Names are unique whatever their case: botocore's model says so of endpoints, and all ARNs are in lower case.
    `on_change` is called with the record and its members at every change of its state, in their order, and with None
    once it is removed; it must not block.
    """

    def __init__(self, on_change: OnChange = lambda _record, _members: None) -> None:
        self._records: dict[_Key, Record] = {}
        self._lock = threading.RLock()
        self._on_change = on_change
        self._unconfirmed: dict[Record, list[dict[str, Any]]] = {}  # with the members of each state until `confirm`

    def add(self, record: Record) -> None:
        """Add a new record; `on_change` is not called before `confirm`. Raise AWS's error if the name is taken."""
        with self._lock:
            if self._records.setdefault(_key(record), record) is not record:
                raise record.resource_type.already_exists_error(record.arn)
            self._unconfirmed[record] = [record.members]

    def confirm(self, record: Record) -> None:
        """Say that a record's creation succeeded: `on_change` is called for each state it has had so far."""
        with self._lock:
            for members in self._unconfirmed.pop(record, ()):
                self._changed(record, members)

    def get(self, resource_type: str, name: str, *, account: str, region: str, verb: str = "Describe") -> Record:
        """Return the record of that name. Raise AWS's not-found error, worded for the operation's verb."""
        record = self.find(resource_type, name, account=account, region=region)
        if record is None:
            raise RESOURCE_TYPES[resource_type].not_found_error(name, account=account, region=region, verb=verb)
        return record

    def find(self, resource_type: str, name: str, *, account: str, region: str) -> Record | None:
        """Return the record of that name, or None."""
        with self._lock:
            return self._records.get((resource_type, account, region, name.lower()))

    def find_arn(self, arn: str, *, account: str, region: str) -> Record | None:
        """Return the record of that ARN if it is in this account and region, or None."""
        with self._lock:
            mine = (r for r in self._records.values() if (r.account, r.region) == (account, region))
            return next((record for record in mine if record.arn == arn), None)

    def all(self, resource_type: str, *, account: str, region: str) -> list[Record]:
        """Return all records of a resource type, in the order of their creation."""
        with self._lock:
            return [r for key, r in self._records.items() if key[:3] == (resource_type, account, region)]

    def of_account(self, account: str) -> list[Record]:
        """Return all records of an account, of every region and type, in the order of their creation."""
        with self._lock:
            return [record for record in self._records.values() if record.account == account]

    def update(self, record: Record, **members: Any) -> None:
        """Set members (None removes one) and LastModifiedTime, atomically."""
        with self._lock:
            before = record.members
            merged = {**before, "LastModifiedTime": datetime.now(UTC), **members}
            record.members = {name: value for name, value in merged.items() if value is not None}
            if self.alive(record) and record.resource_type.state(before) != record.resource_type.state(record.members):
                self._changed(record, record.members)

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
            record.tags = {k: v for k, v in {**record.tags, **tags}.items() if k not in without}

    def remove(self, record: Record) -> None:
        """Remove a record; do nothing if it is gone already."""
        with self._lock:
            if self.alive(record):
                del self._records[_key(record)]
                if self._unconfirmed.pop(record, None) is None:
                    self._changed(record, None)

    def alive(self, record: Record) -> bool:
        """Return whether this very record (not a later one of its name) is still in the store."""
        with self._lock:
            return self._records.get(_key(record)) is record

    def _changed(self, record: Record, members: dict[str, Any] | None) -> None:
        if members is not None and record in self._unconfirmed:
            self._unconfirmed[record].append(members)
        else:
            self._on_change(record, members)


def _key(record: Record) -> _Key:
    return (record.resource_type.name, record.account, record.region, record.name.lower())
