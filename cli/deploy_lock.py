"""One command at a time deploys from this checkout: they write the same synthesised app."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from cli import paths, screen

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def hold() -> Iterator[None]:
    """Wait, with a sentence, until no other command deploys, and let others wait while the block runs."""
    paths.HOME.mkdir(parents=True, exist_ok=True)
    lock = FileLock(paths.HOME / "deploying.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        screen.errors.print("Another `./lab` command deploys from this checkout: waiting for its end …", soft_wrap=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
