"""The clock on which resources change their statuses; tests hurry it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """The real time of day, and waits that last `pace` times what they are asked for."""

    def __init__(self, pace: float = 1.0) -> None:
        self._pace = pace
        self._closed = threading.Event()

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(UTC)

    def scaled(self, seconds: float) -> float:
        """Return how long a wait of so many seconds takes on this clock."""
        return seconds * self._pace

    def minute(self) -> float:
        """Return how long a minute of metrics lasts on this clock: at least a second, for measuring costs."""
        return max(self.scaled(60), 1.0)

    def sleep(self, seconds: float, *, at_least: float = 0.0) -> bool:
        """Wait `seconds` times the pace, but `at_least` so long. Return False if the clock was closed meanwhile."""
        return not self._closed.wait(max(self.scaled(seconds), at_least))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Run `action` on a daemon thread once the wait is over; never after `close`."""

        def wait_and_run() -> None:
            if self.sleep(seconds):
                action()

        threading.Thread(target=wait_and_run, name="sagemaker-clock", daemon=True).start()

    def close(self) -> None:
        """End every wait; what was to run after one does not run."""
        self._closed.set()
