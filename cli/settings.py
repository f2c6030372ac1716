"""The lab's settings as the CDK will see them: cdk.json, `-c lab.KEY=VALUE` over it, and the seats' roster if there is.

The class's seats are written down in cdk.json or in the roster file that it names, and changed there.
"""

from __future__ import annotations

import json
import os
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import paths
from cli.ui.errors import LabError
from infra import roster, seats
from infra import settings as infra_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_FILES = ("lab.data", "lab.photos", "lab.seats")


def read(context: Sequence[str], **instead: Any) -> infra_settings.Settings:
    """Read the settings; `instead` are values in the place of what stands there.

    Raises LabError that names every wrong setting.
    """
    overrides = {**dict(pair(text) for text in context), **{f"lab.{key}": value for key, value in instead.items()}}
    given = document()["context"]
    try:
        # The CDK reads cdk.json's paths from where that lies; so do we, from wherever the command is run.
        with chdir(paths.ROOT):
            return infra_settings.read({**given, **overrides})
    except infra_settings.SettingsError as error:
        raise LabError(str(error)) from None


def document() -> dict[str, Any]:
    """Return what cdk.json holds. Raises LabError when that can't be read."""
    try:
        found: dict[str, Any] = json.loads(paths.CDK_JSON.read_text())
        found["context"].setdefault("lab", {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabError(f"cdk.json can't be read ({error!r}): `git diff cdk.json` shows what changed.") from None
    return found


def write(**values: Any) -> None:
    """Set settings in cdk.json, in one step: an interruption leaves the old file or the new one."""
    changed = document()
    changed["context"]["lab"].update(values)
    _replace(paths.CDK_JSON, (json.dumps(changed, indent=2, ensure_ascii=False) + "\n").encode())


def absolute(context: Sequence[str] | None) -> list[str]:
    """Return the overrides with paths as they are seen from where the command is run: the CDK runs elsewhere."""
    return [f"{key}={_path(value) if key in _FILES else value}" for key, value in map(pair, context or [])]


def pair(text: str) -> tuple[str, str]:
    """Return key and value of `lab.KEY=VALUE`. Raises LabError for anything else."""
    key, separator, value = text.partition("=")
    if not separator or not key.startswith("lab."):
        raise LabError(f"-c {text}: a setting is given as lab.KEY=VALUE, for example `-c lab.epochs=20`.")
    return key, value


@dataclass(frozen=True)
class SeatsChange:
    """What the settings will be with other seats, and the step that writes them down: nothing is written before."""

    settings: infra_settings.Settings
    file: Path
    write: Callable[[], None]

    @contextmanager
    def written(self) -> Iterator[None]:
        """Write the seats down, then run the block; if it fails, the file is again what it was."""
        before = self.file.read_bytes()
        self.write()
        try:
            yield
        except BaseException:
            _replace(self.file, before)
            raise


def add_seats(context: Sequence[str], names: Sequence[str]) -> SeatsChange:
    """Prepare the seats with these names too, as students write them. Raises LabError for names that can't be."""
    file = _roster_file(context)
    written = [*(seat.written for seat in read(context).seats), *names]
    try:
        seats.parse(written)
    except ValueError as error:
        raise LabError(f"Nothing was changed: {error}.") from None
    after = read(context, seats=written)
    if file:
        return SeatsChange(after, file, lambda: roster.read(file).with_names(list(names)).write(file))
    return SeatsChange(after, paths.CDK_JSON, lambda: write(seats=[seat.written for seat in after.seats]))


def remove_seats(context: Sequence[str], names: Sequence[str]) -> SeatsChange:
    """Prepare the seats without those of these safe names."""
    file = _roster_file(context)
    kept = [seat.written for seat in read(context).seats if seat.name not in names]
    after = read(context, seats=kept)
    if file:
        lines = {row.line for row in roster.read(file).rows if seats.safe(row.get("name")) in names}
        return SeatsChange(after, file, lambda: roster.read(file).without_lines(lines).write(file))
    return SeatsChange(after, paths.CDK_JSON, lambda: write(seats=kept))


def _roster_file(context: Sequence[str]) -> Path | None:
    """Return the roster file, or None for cdk.json. Raises LabError if the seats stand on the command line."""
    given = dict(map(pair, context)).get("lab.seats")
    file = seats.roster_file(given if given is not None else document()["context"]["lab"].get("seats"))
    if given is not None and file is None:
        raise LabError(
            "The seats were given with -c lab.seats=…, where a change can't be kept: write them into cdk.json, or into "
            "a roster file and name that (-c lab.seats=class.csv)."
        )
    return paths.ROOT / file if file else None


def _replace(file: Path, content: bytes) -> None:
    """Replace a file, all of it or nothing."""
    new = file.with_name(f".{file.name}.new")
    new.write_bytes(content)
    new.replace(file)


def _path(value: str) -> str:
    # Names of a whole class are longer than a path may be, which `exists` takes for a mistake before Python 3.12.
    return str(Path(value).resolve()) if value and os.path.lexists(value) else value
