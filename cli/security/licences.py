"""The licence of each package of each lock, on the screen and in docs/licences.md, which is held against the locks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from rich.markup import escape

from cli import paths
from cli.security.declared_licences import BY_HAND, NOTES, UNKNOWN, declared
from cli.security.installations import LAB, places
from cli.security.locks import pins
from cli.ui.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import Distribution

DOCUMENT = paths.ROOT / "docs" / "licences.md"
_NODE = "Node"
_BEGIN, _END = "<!-- licences: written by ./lab check --licences --write -->\n", "<!-- end of licences -->"

_ASKS_MORE = re.compile(r"GPL|MPL|EPL|CDDL|EUPL|SSPL|BUSL|Artistic|LicenseRef|Proprietary|unknown", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """A package, its versions, its licences, and the places that have it."""

    name: str
    versions: tuple[str, ...]
    licence: str
    where: tuple[str, ...]

    @property
    def asks_more(self) -> bool:
        """Return whether its licence asks for more than that its text be kept."""
        return bool(_ASKS_MORE.search(self.licence))


def table() -> list[Row]:
    """Return a row for each package of each lock.

    Licences are those of what is installed here, and else those that the page has already: those of a new list are
    known once its image is pulled.
    """
    found: dict[str, set[str]] = {}
    for place in filter(lambda place: place.is_installed, places()):
        for package in place.packages():
            found.setdefault(canonicalize_name(package.name), set()).add(declared(package.metadata))
    before = {row.name: row.licence for row in rows()}
    return [
        Row(name, versions, _licence(found.get(name, {before.get(name, UNKNOWN)}), by_hand=BY_HAND.get(name)), where)
        for name, versions, where in _python_packages()
    ] + list(_node_packages())


def problems(installed: Iterable[Distribution]) -> list[str]:
    """Return a line for each thing in docs/licences.md that is not as the locks and these packages of the lab say."""
    there = {(row.name, row.where): row for row in rows()}
    asked = {(name, where): versions for name, versions, where in _python_packages()}
    asked |= {(row.name, row.where): row.versions for row in _node_packages()}
    lines = [
        f"{name} {', '.join(versions)} of {', '.join(where)} is not there"
        for (name, where), versions in asked.items()
        if (name, where) not in there or there[name, where].versions != versions
    ]
    lines += [f"{row.name} is in no lock" for key, row in there.items() if key not in asked]
    lines += [f"the licence of {row.name} is unknown" for row in there.values() if row.licence == UNKNOWN]
    lines += [f"NOTES say nothing of {row.name}: {row.licence}" for row in there.values() if _unnoted(row)]
    said = {row.name: row.licence for row in there.values() if LAB in row.where}
    for package in installed:
        about = package.metadata  # which is read anew whenever it, or the name, is asked for
        name = canonicalize_name(about["Name"])
        listed, licence = said.get(name, ""), declared(about)
        if listed and licence not in listed and name not in BY_HAND:
            lines.append(f"{about['Name']} is under {licence}, not {listed}")
    return lines


def rows() -> list[Row]:
    """Return what docs/licences.md has."""
    listed = DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)[2].partition(_END)[0].rpartition("|---|\n")[2]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in listed.splitlines() if line]
    return [
        Row(name, tuple(versions.split(", ")), licence, tuple(where.split(", ")))
        for name, versions, licence, where in cells
    ]


def as_rows(found: Iterable[Row]) -> Table:
    """Return them for the screen."""
    shown = Table("package", "version", "licence", "where")
    for row in found:
        shown.add_row(row.name, ", ".join(row.versions), escape(row.licence), ", ".join(row.where))
    return shown


def write(found: Iterable[Row]) -> None:
    """Put the rows into docs/licences.md, in the place of those there."""
    before, begin, rest = DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    DOCUMENT.write_text(before + begin + _markdown(list(found)) + end + after, encoding="utf-8")


def _licence(found: set[str], *, by_hand: str | None) -> str:
    if by_hand:
        return by_hand
    known = found - {UNKNOWN} or found
    # Some versions of a package say `BSD` where others say which.
    return "; ".join(sorted(each for each in known if not any(each != one and each in one for one in known)))


def _unnoted(row: Row) -> bool:
    return row.asks_more and row.name not in NOTES


def _python_packages() -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Yield each package of the Python locks, for any machine: its name, its versions and the places that have it."""
    versions: dict[str, set[str]] = {}
    where: dict[str, list[str]] = {}
    for place in places():
        for pin in pins(place.lock):
            name = canonicalize_name(pin.name)
            versions.setdefault(name, set()).add(pin.version)
            if place.label not in where.setdefault(name, []):
                where[name].append(place.label)
    for package in sorted(versions):
        yield package, tuple(sorted(versions[package])), tuple(where[package])


def _node_packages() -> Iterator[Row]:
    packages = json.loads((paths.ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for place, about in sorted(packages.items()):
        if place:
            yield Row(
                place.rpartition("node_modules/")[2], (about["version"],), about.get("license", UNKNOWN), (_NODE,)
            )


def _markdown(found: list[Row]) -> str:
    notable = [
        f"| {row.name} | {row.licence} | {', '.join(row.where)} | {NOTES.get(row.name, '')} |"
        for row in found
        if row.asks_more
    ]
    every = [f"| {row.name} | {', '.join(row.versions)} | {row.licence} | {', '.join(row.where)} |" for row in found]
    return "\n".join(
        [
            "",
            "## Those that ask for more than that their text be kept",
            "",
            "| package | licence | where | what that means here |",
            "|---|---|---|---|",
            *notable,
            "",
            "## All",
            "",
            "| package | version | licence | where |",
            "|---|---|---|---|",
            *every,
            "",
        ]
    )
