"""Errors that a user sees, each one sentence with the next step; a full disk is named whatever met it."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

from cli import paths

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_WORDS = ("ENOSPC", "EDQUOT", "No space left on device", "Disk quota exceeded")
_SOME_DISK = "The disk is full, without room for {}: free some of it, then run the same command again."
_LEAST = 2_000_000  # bytes: a synthesised app and its logs need more


class LabError(Exception):
    """Ends a command with its message and exit code 1, without a traceback."""


class Interrupted(BaseException):
    """Ctrl-C or another signal that ends a command, with what to do next.

    Typer would answer KeyboardInterrupt with the one word "Aborted".
    """

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.number = number


def full_disk() -> str:
    """Say in a sentence which disk is full, of those that the lab writes to; empty if none is."""
    for folder in (paths.HOME, paths.cache(), *_temporary()):
        there = next(each for each in (folder, *folder.parents) if each.exists())
        with suppress(OSError):
            if shutil.disk_usage(there).free < _LEAST:
                return _say(folder)
    return ""


def disk_behind(text: str) -> str:
    """Say in a sentence that a full disk is what a program's words are about, or its silence; empty if it is not."""
    said = any(words in text for words in _WORDS)
    return full_disk() or (_SOME_DISK.format("its files") if said else "") if said or not text.strip() else ""


def of_system(error: OSError) -> str:
    """Say in a sentence what the operating system refused."""
    if error.errno in _DISK_FULL:
        return full_disk() or _SOME_DISK.format(error.filename or "what was to be written")
    what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    return f"{what}. Mend that, then run the same command again."


def _say(folder: Path) -> str:
    return f"The disk is full, the one with {folder}: free some of it, then run the same command again."


def _temporary() -> list[Path]:
    """Return the folders for temporary files: the one that is asked for, and the one that Python finds to have room."""
    named = [Path(os.environ[name]) for name in ("TMPDIR", "TEMP", "TMP") if os.environ.get(name)]
    with suppress(OSError):  # it finds none
        named.append(Path(tempfile.gettempdir()))
    return named
