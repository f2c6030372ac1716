"""What a teardown found, what of it is gone, and what remains and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, order=True)
class Thing:
    """One resource: its kind in AWS's words, such as "endpoint", and its name."""

    kind: str
    name: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Remains:
    """Something that is still there. `expected`: it costs nothing, and nobody can delete it (yet)."""

    thing: Thing
    why: str
    expected: bool = False


@dataclass
class Receipt:
    """What is found is deleted, unless it remains."""

    found: set[Thing] = field(default_factory=set)
    remains: dict[Thing, Remains] = field(default_factory=dict)
    put_off: dict[Thing, str] = field(default_factory=dict)  # why AWS has not done yet what it was asked
    unseen: dict[str, str] = field(default_factory=dict)  # kinds that could not be looked for, and why

    @property
    def deleted(self) -> list[Thing]:
        """What is gone."""
        return sorted(self.found - self.remains.keys())

    @property
    def clean(self) -> bool:
        """Whether nothing is left but what nobody can delete."""
        return not self.unseen and all(each.expected for each in self.remains.values())

    def keep(self, thing: Thing, why: str, *, expected: bool = False) -> None:
        """Note that something remains."""
        self.found.add(thing)
        self.remains[thing] = Remains(thing, why, expected)

    def give_up(self, thing: Thing, why: str) -> None:
        """Note that something remains that was waited for long enough, with AWS's own reason if it gave one."""
        self.keep(thing, f"{self.put_off[thing]}; {why}" if thing in self.put_off else why)

    def drop(self, things: Iterable[Thing]) -> None:
        """Note that what remained is tried once more."""
        for thing in things:
            self.remains.pop(thing, None)

    def forget_expected(self) -> None:
        """Leave out what was allowed to remain: it went with the account that it was in."""
        gone = {thing for thing, remains in self.remains.items() if remains.expected}
        self.found -= gone
        self.drop(gone)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "clean": self.clean,
            "found": [asdict(thing) for thing in sorted(self.found)],
            "deleted": [asdict(thing) for thing in self.deleted],
            "remains": [
                {**asdict(each.thing), "why": each.why, "expected": each.expected}
                for each in sorted(self.remains.values(), key=lambda each: each.thing)
            ],
            "not_looked_for": [{"kind": kind, "why": why} for kind, why in sorted(self.unseen.items())],
        }
