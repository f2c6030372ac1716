"""`./lab down`: destroy the lab, sweep what no stack knows, and prove with a receipt what is left: nothing."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from cli import downloads, embedded, paths, settings
from cli.aws import lab_deletion, owner, stacks
from cli.aws.session import Session, Target, connect
from cli.ui import screen
from cli.ui.errors import LabError
from cli.ui.table import Column, Table
from embedded_aws import gateway
from teardown.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SILENT_SECONDS = 20  # of silence; an embedded AWS that is at work answers in less
_GRACE_SECONDS = 5


def down(target: Target, context: Sequence[str], *, keep_aws: bool, force: bool, as_json: bool) -> None:
    """End the lab and (unless `keep_aws`, or something else stands in it) the embedded AWS.

    Raises LabError when something is left that should not be, or unless `force` if the lab is somebody else's.
    """
    wanted = settings.read(context)
    lab = wanted.name
    if target is Target.EMBEDDED and not _embedded_answers(quiet=as_json):
        if as_json:
            where = {"target": target.value, "account": gateway.ACCOUNT, "region": gateway.REGION}
            print(json.dumps({"lab": lab, **where, **Receipt().document()}, indent=2))
        _finish(target, lab, "Nothing runs and nothing is deployed: there is nothing to take down.", quiet=as_json)
        return
    session = connect(target)
    if not force and (others := owner.others(session, wanted, stacks.of_lab(session, lab))):
        raise LabError(
            f"The lab {lab} is {others}'s, and you are {owner.of(session, wanted)}: ask, or add --force. "
            "Nothing was changed."
        )
    receipt = lab_deletion.delete_lab(session, lab, quiet=as_json)
    if target is Target.EMBEDDED and receipt.clean and not keep_aws:
        _stop_embedded(session, receipt, quiet=as_json)
    written = _document(session, lab, receipt)
    kept = _write(written)
    if as_json:
        print(json.dumps(written, indent=2))
    else:
        _show(receipt)
    if not receipt.clean:
        raise LabError(
            f"Something of {lab} is left: see what the receipt says of it, then run `./lab down` again, which goes on "
            f"from here. The whole receipt: {kept}"
        )
    nothing = f"Nothing of {lab} is left." if receipt.deleted else f"There was nothing of {lab} to take down."
    _finish(target, lab, f"{nothing} [dim]The receipt: {kept}[/]", quiet=as_json)


def _embedded_answers(*, quiet: bool) -> bool:
    """Return whether an embedded AWS answers; what is left of one that died, or hangs, is cleared away and told."""
    found = gateway.running(paths.GATEWAY)
    if found is None:
        return _brought_back()
    if found.answers(within=0):
        return True
    with screen.step(f"waiting for the embedded AWS (process {found.pid}), which does not answer", quiet=quiet):
        if found.answers(within=_SILENT_SECONDS):
            return True
    embedded.stop_watching()
    gateway.stop(paths.GATEWAY, grace=_GRACE_SECONDS)
    _warn(
        f"The embedded AWS (process {found.pid}) did not answer for {_SILENT_SECONDS} seconds: it was ended, with all "
        f"that ran in it. What it said last is in {gateway.log(paths.GATEWAY)}."
    )
    return _brought_back()


def _brought_back() -> bool:
    """Bring back one that had stopped, so that the lab in it is taken down as any other; tell what can't be."""
    try:
        if gateway.kept(paths.GATEWAY) is None:
            gateway.clear(paths.GATEWAY)
            return False
    except gateway.KeptError as error:
        aside = gateway.forget(paths.GATEWAY)
        _warn(f"{error} It is in {aside} now.")
        return False
    embedded.start(enforce=False)
    return True


def _warn(text: str) -> None:
    screen.errors.print(f"[yellow]![/] {escape(text)}", soft_wrap=True)


def _finish(target: Target, lab: str, sentence: str, *, quiet: bool) -> None:
    """Delete what commands have copied of the lab to this machine; print the sentence, and what stays of the copies."""
    stays = downloads.clear(target, lab)
    if not quiet:
        screen.console.print(sentence, soft_wrap=True)
        if stays:
            screen.console.print(f"[dim]{stays}[/]", soft_wrap=True)


def _stop_embedded(session: Session, receipt: Receipt, *, quiet: bool) -> None:
    """Stop it, and with it what waits there for its deletion; but not with somebody else's things in it."""
    if others := _other_resources(session):
        if not quiet:
            screen.console.print(f"The embedded AWS goes on: {', '.join(others)} is there too.", soft_wrap=True)
        return
    with screen.step("embedded AWS stopped", quiet=quiet):
        embedded.stop_watching()
        gateway.forget(paths.GATEWAY)
    receipt.forget_expected()


def _other_resources(session: Session) -> list[str]:
    """List what else stands in the account, without what the CDK's bootstrap made."""
    sagemaker: Any = session.client("sagemaker")
    buckets = (each["Name"] for each in session.client("s3").list_buckets()["Buckets"])
    return [
        *(f"stack {stack.name}" for stack in stacks.every(session) if stack.name != stacks.BOOTSTRAP),
        *(f"endpoint {each['EndpointName']}" for each in sagemaker.list_endpoints()["Endpoints"]),
        *(
            f"notebook instance {each['NotebookInstanceName']}"
            for each in sagemaker.list_notebook_instances()["NotebookInstances"]
        ),
        *(f"bucket {name}" for name in buckets if not name.startswith("cdk-")),
    ]


def _document(session: Session, lab: str, receipt: Receipt) -> dict[str, Any]:
    """Return the receipt with where and when it was written."""
    where = {"target": session.target.value, "account": session.account, "region": session.region}
    return {"lab": lab, **where, "finished": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", **receipt.document()}


def _write(written: dict[str, Any]) -> Path:
    """Keep it as a file, which nothing overwrites."""
    stamp = written["finished"].translate({ord(sign): None for sign in "-:"})
    path = paths.RECEIPTS / f"{written['lab']}-{stamp}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written, indent=2))
    return path


def _show(receipt: Receipt) -> None:
    """Print a line a type, then what remains, each with its reason."""
    found, deleted = (Counter(resource.kind for resource in things) for things in (receipt.found, receipt.deleted))
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
