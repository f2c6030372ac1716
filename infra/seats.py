"""The seats of a class: how they are named in the settings, and the safe names that AWS takes.

A number, a list of names, or a roster file. What a seat makes in SageMaker begins with `<lab>-<seat>-`, and that is all
that its role may touch: so no seat's name may be the beginning of another's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slugify import slugify

from infra import roster

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST = 100
NAME_LENGTH = 30
_NUMBER = re.compile(r"-?\d+")
# A number that is none of seats and no name: 3.5 would sit in 3-5. A whole one may be a student's, in a list.
_NO_NAME = re.compile(r"[-+]\d+|[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?")
_SHOWN = 40


@dataclass(frozen=True)
class Seat:
    """One student's part of the lab: its safe `name`, and how it was written where, with the student's address."""

    name: str
    written: str = ""
    where: str = ""
    email: str = ""

    def __str__(self) -> str:
        """Return how a message speaks of it."""
        shown = self.written if len(self.written) <= _SHOWN else f"{self.written[:_SHOWN]}…"
        return f"{shown!r}{self.where and f' ({self.where})'}"


def parse(value: object) -> tuple[Seat, ...]:
    """Return the seats that a setting's value stands for. Raises ValueError with every problem, a line each."""
    seats = _seats(value)
    if seats is None:
        raise ValueError("must be a number of seats, a list of names, or a roster file that ends with .csv")
    _check(seats)
    return tuple(seats)


def _seats(value: object) -> list[Seat] | None:
    """Return the seats as they are written, unchecked; None for a value that names none."""
    match value:
        case bool():
            return None
        case int():
            return _numbered(value)
        case str() if _NUMBER.fullmatch(value.strip()):
            return _numbered(int(value))
        case str():
            file = roster_file(value)
            return _listed(file) if file else [_seat(name.strip()) for name in value.split(",") if name.strip()]
        case list() | tuple():
            return [each if isinstance(each, Seat) else _seat(str(each)) for each in value]
        case _:
            return None


def roster_file(value: Any) -> Path | None:
    """Return the roster file that a setting's value names, whether or not there is one."""
    return Path(value.strip()) if isinstance(value, str) and value.strip().lower().endswith(".csv") else None


def safe(name: str) -> str:
    """Return a name as AWS can have it: other scripts in Latin letters, a hyphen for what is no letter or digit."""
    return slugify(name)


def _numbered(count: int) -> list[Seat]:
    if not 0 <= count <= MOST:
        raise ValueError(f"must be between 0 and {MOST}, or the seats' names")
    return [_seat(f"seat-{number:02d}") for number in range(1, count + 1)]


def _listed(path: Path) -> list[Seat]:
    rows = roster.read(path).rows
    return [_seat(row.get("name"), where=f"line {row.line}", email=row.get("email")) for row in rows]


def _seat(written: str, *, where: str = "", email: str = "") -> Seat:
    return Seat(safe(written), written, where, email)


def _check(seats: list[Seat]) -> None:
    problems = [problem for seat in seats if (problem := _problem(seat))]
    if len(seats) > MOST:
        problems.append(f"must be at most {MOST} seats, not {len(seats)}")
    problems += _collisions(seat for seat in seats if not _problem(seat))
    if problems:
        raise ValueError("\n    ".join(["", *problems] if len(problems) > 1 else problems))


def _problem(seat: Seat) -> str:
    if not seat.written.strip():
        return f"{seat.where or 'a seat'} has no name: give it one, or take the line out"
    if _NO_NAME.fullmatch(seat.written.strip()):
        return f"{seat} is no whole number of seats, and no name: write the one or the other"
    if not seat.name:
        return f"{seat} has no letter or digit that a name on AWS can have: write it with letters a to z"
    if len(seat.name) > NAME_LENGTH:
        return f"{seat} makes a name of {len(seat.name)} characters: shorten it to at most {NAME_LENGTH}"
    return ""


def _collisions(seats: Iterable[Seat]) -> list[str]:
    found = []
    first: dict[str, Seat] = {}
    for seat in seats:
        other = first.setdefault(seat.name, seat)
        if other is not seat:
            found.append(f"{other} and {seat} both make the seat {seat.name}: write one of them otherwise")
    return [
        *found,
        *(_beginning(first[shorter], seat) for seat in first.values() for shorter in _beginnings(seat, first)),
    ]


def _beginnings(seat: Seat, names: Iterable[str]) -> list[str]:
    return [name for name in names if seat.name.startswith(f"{name}-")]


def _beginning(shorter: Seat, longer: Seat) -> str:
    return (
        f"{shorter} and {longer} make the seats {shorter.name} and {longer.name}, and all that {longer.name} makes "
        f"would begin with {shorter.name}-, which is {shorter.name}'s alone: write the first as {shorter.name}-1, say"
    )
