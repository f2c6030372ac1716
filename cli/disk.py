"""The disk that the lab writes to: what is behind a failure when it is full."""

from __future__ import annotations

import errno
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from cli import paths

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LEAST = 2_000_000  # bytes: a synthesised app and its logs need more


def full() -> str:
    """Say in a sentence which disk is full, of those that the lab writes to; empty if none is."""
    for folder in (paths.HOME, paths.cache(), *_temporary()):
        there = next(each for each in (folder, *folder.parents) if each.exists())
        with suppress(OSError):
            if shutil.disk_usage(there).free < _LEAST:
                return _say(folder)
    return ""


def sentence(error: OSError) -> str:
    """Say in a sentence what the operating system refused."""
    if error.errno in _FULL:
        return full() or f"The disk has no room for {error.filename or 'what was to be written'}: free some."
    what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    return f"{what}. Mend that, then run the same command again."


def _say(folder: Path) -> str:
    return f"The disk is full, the one with {folder}: free some of it, then run the same command again."


def _temporary() -> list[Path]:
    """Return the folder for temporary files; Python finds none where every one is full."""
    try:
        return [Path(tempfile.gettempdir())]
    except OSError:
        return []
