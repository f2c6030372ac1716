"""`./lab pause`: end what costs while nobody is there, so that `./lab resume` brings it back as it was."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from rich.markup import escape

from cli import settings
from cli.aws import paused, pausing, stacks, wait, warm_pools
from cli.aws.session import Target, connect
from cli.ui import screen
from cli.ui.errors import LabError
from cli.ui.table import Table
from teardown.receipt import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from cli.aws.pausing import Pausable
    from cli.aws.session import Session


@dataclass(frozen=True)
class Deed:
    """What was done to one thing, or why it was left out."""

    kind: str
    name: str
    done: str = ""
    left_out: str = ""


def pause(target: Target, context: Sequence[str], *, as_json: bool) -> None:
    """Delete the lab's endpoints, stop its notebook instances, end its warm pools; show what that came to."""
    lab = settings.read(context).name
    session = connect(target)
    with screen.step(f"{lab} paused", quiet=as_json) as retitle:
        stacks.settle(session, lab, retitle)
        deeds = _pause(session, lab, retitle)
        kept = bool(paused.find(session, lab))
        retitle(f"{lab} paused")
    if as_json:
        print(json.dumps({"lab": lab, "done": [asdict(deed) for deed in deeds]}, indent=2))
        return
    show(deeds)
    if not any(deed.done for deed in deeds):
        said = "it is paused already" if kept else "nothing of it runs"
        screen.console.print(f"Nothing was to be done for {lab}: {said}.", soft_wrap=True)
    if kept:
        on_aws = " --target aws" if session.target is Target.AWS else ""
        screen.console.print(f"[bold]./lab resume{on_aws}[/] brings it back, without training.", soft_wrap=True)


def show(deeds: Sequence[Deed]) -> None:
    """A table of them."""
    table = Table("", "", "", "", heads=3)
    for deed in deeds:
        mark, said = ("[green]✓[/]", deed.done) if deed.done else ("[yellow]![/]", f"left out: {deed.left_out}")
        table.add_row(mark, deed.kind, escape(deed.name), escape(said))
    if deeds:
        table.show()


def settle(of: Pausable, lab: str, names: Collection[str], notice: Callable[[str], None]) -> dict[str, str]:
    """Wait until these are in states that last; the states, by name, of those that are there then.

    Raises LabError when nothing has moved for half an hour.
    """
    states: dict[str, str] = {}

    def moving() -> list[Resource]:
        nonlocal states
        states = {name: one.status for name, one in of.standing(lab).items() if name in names} if names else {}
        return [Resource(of.kind, f"{name} {status}") for name, status in states.items() if status in of.passing]

    if late := wait.until(moving, notice):
        raise LabError(f"{late[0]}: {wait.LATE}, then run the same command again.")
    return states


def _pause(session: Session, lab: str, notice: Callable[[str], None]) -> list[Deed]:
    """Ask for everything to end first, then wait for all of it."""
    scope = pausing.scope_of(session, lab)
    deeds = [Deed("warm pool", name, done="ended") for name in warm_pools.end(session, scope)]
    ending: list[tuple[Pausable, list[str]]] = []
    for of in pausing.kinds(session):
        states = settle(of, lab, pausing.names(session, scope, of.standing(lab)), notice)
        asked = [end(session, lab, of, name) for name, status in states.items() if status in of.running]
        ending.append((of, [deed.name for deed in asked if deed.done]))
        deeds += asked
        failed = [name for name, status in states.items() if status == pausing.FAILED]
        deeds += [Deed(of.kind, name, left_out=f"it has failed ({of.reason(name)})") for name in failed]
    for of, names in ending:
        settle(of, lab, names, notice)
    return deeds


def end(session: Session, lab: str, of: Pausable, name: str) -> Deed:
    """Ask for the end of one; what came of it.

    One that SageMaker does not end in its state runs on, and so does one that nothing could bring back: the others end.
    """
    try:
        kept = of.kept(name)
    except pausing.GoneError as error:
        return Deed(of.kind, name, left_out=f"nothing could bring it back, for {error}")
    paused.keep(session, lab, kept)
    try:
        of.pause(name)
    except ClientError as error:
        paused.forget(session, lab, kept)
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return Deed(of.kind, name, left_out=error.response["Error"]["Message"])
    return Deed(of.kind, name, done=of.done)
