"""`./lab cost`: show what the lab costs an hour, has cost so far, and will have cost when its lease ends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from cli import settings
from cli.aws import lease, stacks, usage
from cli.aws.instance_counts import JOBS
from cli.aws.prices import Prices
from cli.aws.session import Target, connect
from cli.ui import screen
from cli.ui.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cli.aws.session import Session
    from cli.aws.usage import LineItem
    from infra.settings import Settings

_HOURS_A_DAY = 24
_JOBS = [kind.name for kind in JOBS]
_LIMITS = (
    "At most: an endpoint counts since it was created, a notebook from its creation to its last stop, for AWS keeps no "
    "record of the stops between. What has been deleted since is not in it; nor are requests, logs, alarms, objects "
    "and the volumes of endpoints and jobs, which come to cents. AWS bills by the second."
)
_FREE = "These are AWS's prices for the same lab; here, on the embedded AWS, it costs nothing."


@dataclass(frozen=True)
class Bill:
    """The lab's line items with their prices, at a time."""

    found: Sequence[LineItem]
    prices: Prices
    now: datetime
    ends: datetime | None

    @classmethod
    def of(cls, session: Session, lab: Settings) -> Bill:
        """Read what the lab that stands costs."""
        now = datetime.now(UTC)
        found = usage.read(session, lab, stacks.of_lab(session, lab.name), now)
        prices = Prices.of(session, {want for item in found for want, _ in item.instances})
        return cls(found, prices, now, lease.end(session, lab.name))

    @property
    def hourly(self) -> float:
        """Return USD of this hour, as far as prices are known."""
        return _sum(item.hourly(self.prices) for item in self.found)

    @property
    def so_far(self) -> float:
        """Return USD at most until now, as far as prices are known."""
        return _sum(item.so_far(self.prices) for item in self.found)

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


def cost(target: Target, context: Sequence[str], *, as_json: bool) -> None:
    """Print what everything of the lab costs, by seat."""
    lab = settings.read(context)
    session = connect(target)
    bill = Bill.of(session, lab)
    if as_json:
        print(json.dumps(_document(bill, lab.name, target), indent=2))
        return
    if not bill.found:
        screen.console.print(f"Nothing of {lab.name} is there, and nothing costs: `./lab up` makes it.", soft_wrap=True)
        return
    _table(bill).show()
    for line in _sentences(bill):
        screen.console.print(line, soft_wrap=True)
    if target is Target.EMBEDDED:
        screen.console.print(f"[bold]{_FREE}[/]", soft_wrap=True)


def _document(bill: Bill, lab: str, target: Target) -> dict[str, Any]:
    """Return it for programs; amounts in USD, null where a price is not known."""
    return {
        "lab": lab,
        "target": target.value,
        "billed": target is Target.AWS,
        "at": bill.now.isoformat(timespec="seconds"),
        "lease_end": bill.ends.isoformat(timespec="seconds") if bill.ends else None,
        "usd": {
            "hour": bill.hourly,
            "day": bill.hourly * _HOURS_A_DAY,
            "so_far_at_most": bill.so_far,
            "at_lease_end_at_most": bill.at_the_end,
        },
        "prices": bill.prices.document(),
        "seats": [
            {
                "seat": owner,
                "usd_hour": _sum(item.hourly(bill.prices) for item in found),
                "usd_so_far_at_most": _sum(item.so_far(bill.prices) for item in found),
            }
            for owner, found in bill.by_seat().items()
        ],
        "resources": [
            {
                "kind": item.kind,
                "name": item.name,
                "seat": item.seat,
                "state": item.state,
                "instances": [{"type": want[0], "use": want[1], "count": count} for want, count in item.instances],
                "volume_gb": item.gigabytes,
                "serverless_mb": item.serverless_mb,
                "usd_second_of_answers": bill.prices.serverless(item.serverless_mb),
                "hours": item.hours,
                "usd_hour": item.hourly(bill.prices),
                "usd_so_far_at_most": item.so_far(bill.prices),
            }
            for item in bill.found
        ],
    }


def _table(bill: Bill) -> Table:
    table = Table(
        Column("whose", footer="total"),
        "what",
        "how it stands",
        Column("USD an hour", numbers=True, footer=_usd(bill.hourly)),
        Column("USD so far", numbers=True, footer=_usd(bill.so_far)),
        heads=2,
    )
    for owner, found in bill.by_seat().items():
        ended = [item for item in found if item.kind in _JOBS and not item.runs]
        rows = [_row(bill.prices, item) for item in found if item not in ended]
        rows += [
            _ended_row(bill.prices, word, jobs) for word in _JOBS if (jobs := [m for m in ended if m.kind == word])
        ]
        for whose, row in zip([owner or "the lab", *[""] * len(rows)], rows, strict=False):
            table.add_row(whose, *row)
    return table


def _ended_row(prices: Prices, word: str, ended: Sequence[LineItem]) -> tuple[str, str, str, str]:
    """Return one row for the jobs of a type that have ended."""
    spent = _sum(item.so_far(prices) for item in ended)
    return f"{len(ended)} {word}{'s' * (len(ended) > 1)}", "ended", _usd(0.0), _usd(spent)


def _row(prices: Prices, item: LineItem) -> tuple[str, str, str, str]:
    types = [f"{count} {want[0]}" for want, count in item.instances]
    volume = [f"{item.gigabytes} GB"] if item.gigabytes else []
    types += [f"serverless, {item.serverless_mb:,} MB"] if item.serverless_mb else []
    what = "KMS key" if item.keys else f"{item.kind} {escape(item.name)}"  # a key's name is 36 hex digits
    stands = ", ".join([*([item.state] if item.state else []), *types, *volume])
    return what, stands, _usd(item.hourly(prices)), _usd(item.so_far(prices))


def _sentences(bill: Bill) -> Iterable[str]:
    yield f"\n[bold]{_usd(bill.hourly)} USD an hour[/], {_usd(bill.hourly * _HOURS_A_DAY)} USD a day, as it stands now."
    yield f"So far at most {_usd(bill.so_far)} USD."
    if bill.ends and bill.at_the_end is not None:
        yield f"When its lease ends, {bill.ends:%Y-%m-%d %H:%M %Z}: at most {_usd(bill.at_the_end)} USD."
    else:
        yield "It has no lease: it costs until `./lab down`."
    for each in (item for item in bill.found if item.serverless_mb):
        price = bill.prices.serverless(each.serverless_mb)
        yield f"{each.name} costs nothing while nobody asks, and {price:.5f} USD for each second of its answers."
    yield f"[dim]{escape(bill.prices.source)}[/]"
    yield f"[dim]{_LIMITS}[/]"


def _sum(amounts: Iterable[float | None]) -> float:
    """Add up what is known of them."""
    return sum((amount for amount in amounts if amount is not None), 0.0)


def _usd(amount: float | None) -> str:
    """Write an amount to a tenth of a cent: a stopped notebook costs less than a cent an hour."""
    return "?" if amount is None else f"{amount:.3f}"
