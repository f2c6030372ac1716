"""What a teardown found, what of it is gone, and what remains and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, order=True)
class Resource:
    """One resource: its type in AWS's words, such as "endpoint", and its name."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Return how people read of it."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Remaining:
    """A resource that is still there. `expected`: it costs nothing, and nobody can delete it (yet)."""

    resource: Resource
    why: str
    expected: bool = False


@dataclass
class Receipt:
    """What is found is deleted, unless it remains."""

    found: set[Resource] = field(default_factory=set)
    remaining: dict[Resource, Remaining] = field(default_factory=dict)
    put_off: dict[Resource, str] = field(default_factory=dict)  # why AWS has not done yet what it was asked
    unseen: dict[str, str] = field(default_factory=dict)  # types that could not be looked for, and why

    @property
    def deleted(self) -> list[Resource]:
        """Return what is gone, in order."""
        return sorted(self.found - self.remaining.keys())

    @property
    def clean(self) -> bool:
        """Return whether nothing is left but what nobody can delete."""
        return not self.unseen and all(each.expected for each in self.remaining.values())

    def keep(self, resource: Resource, why: str, *, expected: bool = False) -> None:
        """Note that something remains."""
        self.found.add(resource)
        self.remaining[resource] = Remaining(resource, why, expected)

    def give_up(self, resource: Resource, why: str) -> None:
        """Note that something remains that was waited for long enough, with AWS's own reason if it gave one."""
        self.keep(resource, f"{self.put_off[resource]}; {why}" if resource in self.put_off else why)

    def drop(self, resources: Iterable[Resource]) -> None:
        """Note that what remained is tried once more."""
        for resource in resources:
            self.remaining.pop(resource, None)

    def forget_expected(self) -> None:
        """Leave out what was allowed to remain: it went with the account that it was in."""
        gone = {resource for resource, remains in self.remaining.items() if remains.expected}
        self.found -= gone
        self.drop(gone)

    def document(self) -> dict[str, Any]:
        """Return the receipt for programs."""
        return {
            "clean": self.clean,
            "found": [asdict(resource) for resource in sorted(self.found)],
            "deleted": [asdict(resource) for resource in self.deleted],
            "remains": [
                {**asdict(each.resource), "why": each.why, "expected": each.expected}
                for each in sorted(self.remaining.values(), key=lambda each: each.resource)
            ],
            "not_looked_for": [{"kind": kind, "why": why} for kind, why in sorted(self.unseen.items())],
        }
