"""The clock on which resources change their states: AWS's waits, in parts that tests can shorten."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Real time of day; waits that last `pace` times what they are asked for."""

    def __init__(self, pace: float = 1.0) -> None:
        self._pace = pace
        self._closed = threading.Event()

    def now(self) -> datetime:
        """The time of day, UTC."""
        return datetime.now(UTC)

    def scaled(self, seconds: float) -> float:
        """How long such a wait takes here, in seconds."""
        return seconds * self._pace

    def sleep(self, seconds: float, *, at_least: float = 0.0) -> bool:
        """Wait `seconds` times the pace, but `at_least` so long; False if the clock was closed meanwhile."""
        return not self._closed.wait(max(self.scaled(seconds), at_least))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Run `action` on a daemon thread once the wait is over; never after `close`."""

        def wait_and_run() -> None:
            if self.sleep(seconds):
                action()

        threading.Thread(target=wait_and_run, name="sagemaker-clock", daemon=True).start()

    def close(self) -> None:
        """End every wait; nothing that was to come after one runs."""
        self._closed.set()
