"""A line of the lab's bill: one of its resources, with what it uses that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.aws.prices import Prices, Want


@dataclass(frozen=True, kw_only=True)
class LineItem:
    """One resource: `instances` of a type for a use, or a volume of so many GB; hours so far, and if it runs.

    Of what has a price a month, a key, a dashboard or alarms, there are `by_the_month`.
    """

    kind: str
    name: str
    state: str
    seat: str | None
    hours: float
    runs: bool
    instances: tuple[tuple[Want, int], ...] = ()
    gigabytes: int = 0
    volume_hours: float = 0
    by_the_month: int = 0
    serverless_mb: int = 0
    answered_gb_seconds: float = 0  # of a serverless endpoint: seconds of answers, times its memory
    labeled_objects: int = 0

    def hourly(self, prices: Prices) -> float | None:
        """Return USD of this hour, if it goes on as it stands and nobody asks what is serverless; None if unknown."""
        running = self._instances(prices) if self.runs else 0.0
        return None if running is None else running + prices.volume(self.gigabytes) + self._month(prices)

    def so_far(self, prices: Prices) -> float | None:
        """Return USD at most until now; None if a price is not known."""
        running = self._instances(prices) if self.hours else 0.0
        if running is None:
            return None
        return (
            running * self.hours
            + prices.volume(self.gigabytes) * self.volume_hours
            + self._month(prices) * self.hours
            + self.answered_gb_seconds * prices.serverless_gb_second
            + self.labeled_objects * prices.labeled_object
        )

    def _month(self, prices: Prices) -> float:
        return self.by_the_month * prices.by_the_month(self.kind) if self.by_the_month else 0.0

    def _instances(self, prices: Prices) -> float | None:
        each = [(prices.hourly(*want), count) for want, count in self.instances]
        return None if any(price is None for price, _ in each) else sum((price or 0) * count for price, count in each)
