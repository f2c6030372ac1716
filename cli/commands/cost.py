"""`./lab cost`: show what the lab costs an hour, has cost so far, and will have cost when its lease ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from cli import settings
from cli.aws.bill import Bill, total, usd
from cli.aws.instance_counts import JOBS
from cli.aws.labeling_jobs import LABELING_JOB
from cli.aws.session import Target, connect
from cli.ui import screen
from cli.ui.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cli.aws.line_item import LineItem
    from cli.aws.prices import Prices

_HOURS_A_DAY = 24
_JOBS = [*(kind.name for kind in JOBS), LABELING_JOB]
_LIMITS = (
    "At most: an endpoint counts since it was created, a notebook from its creation to its last stop, for AWS keeps no "
    "record of the stops between. What has been deleted since is not in it; nor are requests, logs, objects "
    "and the volumes of endpoints and jobs, which come to cents. AWS bills by the second."
)
_FREE = "These are AWS's prices for the same lab; here, on the embedded AWS, it costs nothing."


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
        "usd_million_of_rest_requests": bill.prices.rest_million if bill.has_api else None,
        "usd_million_of_function_requests": bill.prices.lambda_million if bill.has_function else None,
        "seats": [
            {
                "seat": owner,
                "usd_hour": total(item.hourly(bill.prices) for item in found),
                "usd_so_far_at_most": total(item.so_far(bill.prices) for item in found),
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
                "labeled_objects": item.labeled_objects,
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
        Column("USD an hour", numbers=True, footer=usd(bill.hourly)),
        Column("USD so far", numbers=True, footer=usd(bill.so_far)),
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
    spent = total(item.so_far(prices) for item in ended)
    return f"{len(ended)} {word}{'s' * (len(ended) > 1)}", "ended", usd(0.0), usd(spent)


def _row(prices: Prices, item: LineItem) -> tuple[str, str, str, str]:
    types = [f"{count} {want[0]}" for want, count in item.instances]
    volume = [f"{item.gigabytes} GB"] if item.gigabytes else []
    types += [f"serverless, {item.serverless_mb:,} MB"] if item.serverless_mb else []
    types += [f"{item.labeled_objects} objects labeled"] if item.kind == LABELING_JOB else []
    match item.kind:
        case "key":  # its name is 36 hex digits
            what = "KMS key"
        case "alarm":
            what = f"{item.by_the_month} alarm{'s' * (item.by_the_month > 1)}"
        case _:
            what = f"{item.kind} {escape(item.name)}"
    stands = ", ".join([*([item.state] if item.state else []), *types, *volume])
    return what, stands, usd(item.hourly(prices)), usd(item.so_far(prices))


def _sentences(bill: Bill) -> Iterable[str]:
    yield f"\n[bold]{usd(bill.hourly)} USD an hour[/], {usd(bill.hourly * _HOURS_A_DAY)} USD a day, as it stands now."
    yield f"So far at most {usd(bill.so_far)} USD."
    if bill.ends and bill.at_the_end is not None:
        yield f"When its lease ends, {bill.ends:%Y-%m-%d %H:%M %Z}: at most {usd(bill.at_the_end)} USD."
    else:
        yield "It has no lease: it costs until `./lab down`."
    for each in (item for item in bill.found if item.serverless_mb):
        price = bill.prices.serverless(each.serverless_mb)
        yield f"{each.name} costs nothing while nobody asks, and {price:.5f} USD for each second of its answers."
    if bill.has_api:
        price = bill.prices.rest_million
        yield f"The REST API costs nothing while nobody asks, {price:.2f} USD for a million requests, Lambda's aside."
    if bill.has_function:
        requests, seconds = bill.prices.lambda_million, bill.prices.lambda_million_gb_seconds
        yield (
            f"The Lambda function costs nothing while nobody asks, {requests:.2f} USD for a million requests, and "
            f"{seconds:.2f} USD for a million seconds of each GB of its memory."
        )
    yield f"[dim]{escape(bill.prices.source)}[/]"
    yield f"[dim]{_LIMITS}[/]"
