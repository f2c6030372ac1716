"""Copy the state of an embedded AWS before and after each of its writes: what a kill at that moment would leave.

Python imports this by itself in every process whose PYTHONPATH names its folder; only the server of an embedded AWS is
changed, and only where EMBEDDED_AWS_SNAPSHOTS names the folder to copy to. Each copy `<number>-<before or after>` has
the time in `at`. Files that are written once and never again are linked.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_TO = os.environ.get("EMBEDDED_AWS_SNAPSHOTS", "")
_DATABASE = ("state.db", "state.db-wal")
_FOLDERS = ("objects", "ministack", "notebooks")


def _install(to: Path) -> None:
    from embedded_aws import database  # noqa: PLC0415 - in that process only

    original = database.Database.transaction
    counted = iter(range(10**9))

    @contextlib.contextmanager
    def transaction(self: database.Database) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._connection.in_transaction:
                with original(self) as connection:
                    yield connection
                return
            before = self._connection.total_changes
            number = None
            with original(self) as connection:
                yield connection
                if connection.total_changes != before:
                    number = next(counted)
                    _copy(self._state, to / f"{number:06}-before")
            if number is not None:
                _copy(self._state, to / f"{number:06}-after")

    database.Database.transaction = transaction  # type: ignore[method-assign]  # this is what it is for


def _copy(state: Path, to: Path) -> None:
    to.mkdir(parents=True)
    for name in _DATABASE:
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(state / name, to / name)
    for name in _FOLDERS:
        if (state / name).exists():
            shutil.copytree(state / name, to / name, copy_function=_link, symlinks=True, ignore_dangling_symlinks=True)
    (to / "at").write_text(str(time.time()))


def _link(source: str, target: str) -> None:
    with contextlib.suppress(OSError):  # it has just gone
        os.link(source, target, follow_symlinks=False)


if _TO and sys.orig_argv[1:3] == ["-m", "embedded_aws.background"]:
    _install(Path(_TO))
