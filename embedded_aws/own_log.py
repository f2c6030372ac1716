"""The file that an embedded AWS in the background prints to: it goes on over starts, and two files of it are kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 10 * 2**20
_LOOK_SECONDS = 60


def path(home: Path) -> Path:
    """Return the file."""
    return home / "gateway.log"


def opened(home: Path) -> BinaryIO:
    """Open it for a process to print to, at its end."""
    return path(home).open("ab")


def keep_small(log: Path) -> None:
    """Look now and then, for as long as this process lives; what is too much goes to the file before, `….1`."""

    def look() -> None:
        while True:
            with contextlib.suppress(OSError):  # the disk may be full
                shorten(log)
            time.sleep(_LOOK_SECONDS)

    threading.Thread(target=look, name="log", daemon=True).start()


def shorten(log: Path, most: int = _MOST_BYTES) -> None:
    """Copy it to the file before and empty it if it is longer; who prints to it goes on at its beginning."""
    if log.exists() and log.stat().st_size > most:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)
