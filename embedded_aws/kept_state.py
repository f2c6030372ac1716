"""What an embedded AWS that does not run has kept in its home folder: found, forgotten, or put aside."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedded_aws import database, settings

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Kept:
    """A state from which the embedded AWS comes back, and how it was started; times in seconds since the epoch."""

    alive: float  # when it lived last
    ended: bool  # in order; else it was killed, or the machine stopped
    port: int
    enforce: bool
    pace: float
    containers: str  # the engine that might run images of one's own; empty: none

    @property
    def when(self) -> str:
        """Return when and how it had stopped, for people: `14:02 (killed)`."""
        day = "" if time.strftime("%F", time.localtime(self.alive)) == time.strftime("%F") else "%F "
        return time.strftime(f"{day}%H:%M", time.localtime(self.alive)) + ("" if self.ended else " (killed)")


def find(home: Path) -> Kept | None:
    """Return what one that does not run any more has kept; None if there is nothing. Raises StateError."""
    found = database.noted(settings.state(home))
    if "alive" not in found:
        return None
    return Kept(
        alive=found["alive"],
        ended="ended" in found,
        port=found.get("port", settings.PORT),
        enforce=found.get("enforce", False),
        pace=found.get("pace", 1.0),
        containers=found.get("containers", ""),
    )


def forget(home: Path) -> None:
    """Remove it."""
    shutil.rmtree(settings.state(home), ignore_errors=True)


def put_aside(home: Path) -> Path | None:
    """Move what can't be used where nothing touches it; return that folder, None if there was nothing."""
    state = settings.state(home)
    if not state.exists():
        return None
    place = home / "kept" / time.strftime("%Y-%m-%dT%H-%M-%S")
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return state.rename(place)
