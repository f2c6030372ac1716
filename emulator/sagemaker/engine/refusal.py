"""Which members of a request the embedded AWS does not carry out: what is not known to be done is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def others(members: Mapping[str, Any], known: set[str], path: str = "") -> Iterator[str]:
    """The members that are not known, with the path that leads to them."""
    yield from (f"{path}{name}" for name in members if name not in known)


def value(members: Mapping[str, Any], name: str, offered: set[str], path: str = "") -> Iterator[str]:
    """The member with its value, if it has another than those offered."""
    if name in members and members[name] not in offered:
        yield f"{path}{name} {members[name]}"
