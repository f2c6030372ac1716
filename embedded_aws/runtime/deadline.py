"""A limit in time to what a job does."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def deadline(seconds: float | None, late: Callable[[], object]) -> Iterator[None]:
    """Call `late`, on a thread of its own, if the block takes longer; None: it may take as long as it takes."""
    if seconds is None:
        yield
        return
    limit = threading.Timer(seconds, late)
    limit.daemon = True
    limit.start()
    try:
        yield
    finally:
        limit.cancel()
