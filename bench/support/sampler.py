"""A thread that looks at something every so often while its block runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class Sampler:
    """Calls `look` when its block begins, and every so many seconds until it ends."""

    def __init__(self, look: Callable[[], object], *, every: float) -> None:
        self._look_once, self._every = look, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        self._look_once()
        while not self._over.wait(self._every):
            self._look_once()
