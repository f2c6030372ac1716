"""A teardown's receipt, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from cli import paths
from cli.ui import screen
from cli.ui.table import Column, Table

if TYPE_CHECKING:
    from pathlib import Path

    from cli.aws.session import Session
    from teardown.receipt import Receipt


def document(session: Session, lab: str, receipt: Receipt) -> dict[str, Any]:
    """The receipt with where and when it was written."""
    place = {"target": session.target.value, "account": session.account, "region": session.region}
    return {"lab": lab, **place, "finished": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", **receipt.document()}


def keep(written: dict[str, Any]) -> Path:
    """Keep it as a file, which nothing overwrites."""
    stamp = written["finished"].translate({ord(sign): None for sign in "-:"})
    path = paths.RECEIPTS / f"{written['lab']}-{stamp}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written, indent=2))
    return path


def show(receipt: Receipt) -> None:
    """A line a kind, then what remains, each with its reason."""
    found, deleted = (Counter(each.kind for each in some) for some in (receipt.found, receipt.deleted))
    table = Table("receipt", *(Column(each, numbers=True) for each in ("found", "deleted", "remains")))
    for kind, count in sorted(found.items()):
        remains = count - deleted[kind]
        table.add_row(kind, str(count), str(deleted[kind]), f"[yellow]{remains}[/]" if remains else "0")
    if found:
        table.show()
    for each in sorted(receipt.remaining.values(), key=lambda each: each.resource):
        sign = "[dim]·[/]" if each.expected else "[red]✗[/]"
        screen.console.print(f"{sign} {escape(str(each.resource))}: {escape(each.why)}", soft_wrap=True)
    for kind, why in sorted(receipt.unseen.items()):
        screen.console.print(f"[red]✗[/] {kind}s could not be looked for: {escape(why)}", soft_wrap=True)
