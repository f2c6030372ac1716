"""The table of all findings that the lab lives with: on the screen, as JSON, and in docs/security.md."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.markup import escape

from cli import paths
from cli.ui.errors import LabError
from cli.ui.table import Table
from teardown.names import seat_of_stack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cli.security.findings import Acknowledgment

DOCUMENT = paths.ROOT / "docs" / "security.md"
_BEGIN, _END = "<!-- exceptions: written by ./lab check --exceptions --write -->\n", "<!-- end of exceptions -->"


@dataclass(frozen=True, order=True)
class AcceptedRisk:
    """Rules that do not hold at these places, and why that is accepted."""

    rules: tuple[str, ...]
    places: tuple[str, ...]
    reason: str


def table(acknowledged: Iterable[Acknowledgment]) -> list[AcceptedRisk]:
    """Return a row for each reason and the places it holds for; what is in every seat's stack is in it once."""
    places: dict[tuple[str, str], set[str]] = {}
    for each in acknowledged:
        rule, path = each.rule, each.path
        # The first part of a path is the stack, and seats' stacks are alike.
        if seat := seat_of_stack(path.partition("/")[0]):
            path = path.replace(seat, "SEAT", 1)
            rule = re.sub(rf"\b{seat}\b|(?<=__){seat.replace('-', '_')}\b", "SEAT", rule)
        places.setdefault((rule, each.reason), set()).add(path)
    rules: dict[tuple[tuple[str, ...], str], set[str]] = {}
    for (rule, reason), found in places.items():
        rules.setdefault((tuple(sorted(found)), reason), set()).add(rule)
    return sorted(AcceptedRisk(tuple(sorted(found)), where, reason) for (where, reason), found in rules.items())


def as_rows(rows: Iterable[AcceptedRisk]) -> Table:
    """Return them for the screen."""
    shown = Table("rule", "where", "why it is accepted")
    for row in rows:
        shown.add_row(", ".join(map(escape, row.rules)), ", ".join(row.places), row.reason)
    return shown


def as_json(rows: Iterable[AcceptedRisk]) -> list[dict[str, object]]:
    """Return them for programs."""
    return [asdict(row) for row in rows]


def is_written(rows: Iterable[AcceptedRisk]) -> bool:
    """Return whether docs/security.md has this table."""
    return _with_table(rows) == DOCUMENT.read_text(encoding="utf-8")


def write(rows: Iterable[AcceptedRisk]) -> None:
    """Put the table into docs/security.md, in the place of the one there."""
    DOCUMENT.write_text(_with_table(rows), encoding="utf-8")


def _with_table(rows: Iterable[AcceptedRisk]) -> str:
    before, begin, rest = DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise LabError(f"{DOCUMENT.name} has no place for the exceptions; it is between {_BEGIN.strip()} and {_END}.")
    return before + begin + _markdown(rows) + end + after


def _markdown(rows: Iterable[AcceptedRisk]) -> str:
    lines = [
        f"| {'<br>'.join(f'`{rule}`' for rule in row.rules)} | {'<br>'.join(row.places)} | {row.reason} |"
        for row in rows
    ]
    return "\n".join(["", "| rule | where | why it is accepted |", "|---|---|---|", *lines, "", ""])
