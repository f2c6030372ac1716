"""Whose something is: what a teardown may touch, by its name and its tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teardown import names
from teardown.names import LAB_TAG, SEAT_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A lab, or with `seat` one seat of it.

    The tag decides where there is one. Without it the name does: the lab's own, or one that begins with it and a
    hyphen. `others` are the account's other labs: what begins with a longer one of theirs, as `brick-two-x` does for a
    lab `brick`, is theirs.
    """

    lab: str
    seat: str = ""
    others: frozenset[str] = frozenset()

    @property
    def prefix(self) -> str:
        """Return what names begin with that are made in this scope."""
        return names.prefix(self.lab, self.seat)

    def has(self, name: str, tags: Mapping[str, str]) -> bool:
        """Return whether something of this name with these tags is in the scope."""
        if LAB_TAG in tags:
            return tags[LAB_TAG] == self.lab and (not self.seat or self.names(name) or tags.get(SEAT_TAG) == self.seat)
        return self.names(name)

    def names(self, name: str) -> bool:
        """Return whether something is in the scope by its name alone."""
        own = self.prefix.removesuffix("-")
        longer = (other for other in self.others if len(other) > len(self.lab))
        return _begins(name, own) and not any(_begins(name, other) for other in longer)


def _begins(name: str, whole: str) -> bool:
    return name == whole or name.startswith(f"{whole}-")
