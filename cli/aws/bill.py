"""The lab's bill: its line items with their prices, at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.aws import lease, stacks, usage
from cli.aws.prices import Prices

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cli.aws.line_item import LineItem
    from cli.aws.session import Session
    from infra.settings import Settings


@dataclass(frozen=True)
class Bill:
    """The lab's line items with their prices, at a time."""

    found: Sequence[LineItem]
    prices: Prices
    now: datetime
    ends: datetime | None
    has_api: bool = False  # a REST API, which costs by the request
    has_function: bool = False  # a Lambda function, which costs by the request and the second

    @classmethod
    def of(cls, session: Session, lab: Settings) -> Bill:
        """Read what the lab that stands costs."""
        now = datetime.now(UTC)
        standing = stacks.of_lab(session, lab.name)
        found = usage.read(session, lab, standing, now)
        prices = Prices.of(session, {want for item in found for want, _ in item.instances})
        outputs = {name for stack in standing for name in stack.outputs}
        return cls(
            found,
            prices,
            now,
            lease.end(session, lab.name),
            has_api="RestUrl" in outputs,
            has_function="FunctionUrl" in outputs,
        )

    @property
    def hourly(self) -> float:
        """Return USD of this hour, as far as prices are known."""
        return total(item.hourly(self.prices) for item in self.found)

    @property
    def so_far(self) -> float:
        """Return USD at most until now, as far as prices are known."""
        return total(item.so_far(self.prices) for item in self.found)

    @property
    def at_the_end(self) -> float | None:
        """Return USD at most at the lease's end, if all that runs goes on; None without a lease."""
        if not self.ends:
            return None
        return self.so_far + self.hourly * max(0.0, (self.ends - self.now).total_seconds() / 3600)

    def by_seat(self) -> dict[str | None, list[LineItem]]:
        """Return the items of what all share (None), then of each seat."""
        owners = sorted({item.seat for item in self.found}, key=lambda name: name or "")
        return {owner: [item for item in self.found if item.seat == owner] for owner in owners}


def total(amounts: Iterable[float | None]) -> float:
    """Add up what is known of them."""
    return sum((amount for amount in amounts if amount is not None), 0.0)


def usd(amount: float | None) -> str:
    """Write an amount to a tenth of a cent: a stopped notebook costs less than a cent an hour."""
    return "?" if amount is None else f"{amount:.3f}"
