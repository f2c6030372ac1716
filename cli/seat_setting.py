"""Where the class's seats are written down, cdk.json or a roster file, and their change there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli import paths, settings
from cli.ui.errors import LabError
from infra import roster, seats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from infra.settings import Settings


@dataclass(frozen=True)
class Change:
    """What the settings will be, and the step that writes them down: nothing is written before."""

    settings: Settings
    write: Callable[[], None]


def add(context: Sequence[str], names: Sequence[str]) -> Change:
    """The seats with these names too, as their students write them. Raises LabError for names that can't be."""
    file = _file(context)
    written = [*(seat.written for seat in settings.read(context).seats), *names]
    try:
        seats.parse(written)
    except ValueError as error:
        raise LabError(f"Nothing was changed: {error}.") from None
    after = settings.read(context, seats=written)
    if file:
        return Change(after, lambda: roster.read(file).with_names(list(names)).write(file))
    return Change(after, lambda: settings.write(seats=[seat.written for seat in after.seats]))


def remove(context: Sequence[str], names: Sequence[str]) -> Change:
    """The seats without those of these safe names."""
    file = _file(context)
    kept = [seat.written for seat in settings.read(context).seats if seat.name not in names]
    after = settings.read(context, seats=kept)
    if file:
        lines = {row.line for row in roster.read(file).rows if seats.safe(row.get("name")) in names}
        return Change(after, lambda: roster.read(file).without_lines(lines).write(file))
    return Change(after, lambda: settings.write(seats=kept))


def _file(context: Sequence[str]) -> Path | None:
    """The roster file, or None for cdk.json. Raises LabError if the seats stand on the command line."""
    given = dict(map(settings.pair, context)).get("lab.seats")
    file = seats.roster_file(given if given is not None else settings.document()["context"]["lab"].get("seats"))
    if given is not None and file is None:
        raise LabError(
            "The seats were given with -c lab.seats=…, where a change can't be kept: write them into cdk.json, or into "
            "a roster file and name that (-c lab.seats=class.csv)."
        )
    return paths.ROOT / file if file else None
