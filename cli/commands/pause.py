"""`./lab pause` ends what costs while nobody is there, `./lab resume` brings it back as it was; nothing is trained."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, WaiterError
from rich.markup import escape

from cli import settings
from cli.aws import pausing, stacks, wait
from cli.aws.session import Target, connect
from cli.ui import screen
from cli.ui.errors import LabError
from cli.ui.table import Table
from teardown import refusals
from teardown.receipt import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from cli.aws.pausing import PausableType, Paused
    from cli.aws.session import Session


@dataclass(frozen=True)
class PauseResult:
    """What pausing or resuming did to one resource, or why it was left out."""

    kind: str
    name: str
    done: str = ""
    left_out: str = ""


def pause(target: Target, context: Sequence[str], *, as_json: bool) -> None:
    """Delete the lab's endpoints, stop its notebook instances, end its warm pools; show what that came to."""
    lab = settings.read(context).name
    session = connect(target)
    with screen.step(f"{lab} paused", quiet=as_json) as retitle:
        stacks.wait_until_settled(session, lab, retitle)
        results = _pause_all(session, lab, retitle)
        some_paused = bool(pausing.find_paused(session, lab))
        retitle(f"{lab} paused")
    if as_json:
        print(json.dumps({"lab": lab, "done": [asdict(result) for result in results]}, indent=2))
        return
    _show(results)
    if not any(result.done for result in results):
        said = "it is paused already" if some_paused else "nothing of it runs"
        screen.console.print(f"Nothing was to be done for {lab}: {said}.", soft_wrap=True)
    if some_paused:
        on_aws = " --target aws" if session.target is Target.AWS else ""
        screen.console.print(f"[bold]./lab resume{on_aws}[/] brings it back, without training.", soft_wrap=True)


def resume(target: Target, context: Sequence[str], *, as_json: bool) -> None:
    """Bring back what is paused and wait for it. Raises LabError, after all the rest is back, for what is not."""
    lab = settings.read(context).name
    session = connect(target)
    results = bring_back(session, lab, quiet=as_json)
    if as_json:
        print(json.dumps({"lab": lab, "done": [asdict(result) for result in results]}, indent=2))
    elif not results:
        screen.console.print(f"Nothing of {lab} is paused.", soft_wrap=True)
    lost = [f"{result.kind} {result.name} is not back: {result.left_out}" for result in results if result.left_out]
    if lost:
        raise LabError("\n".join([*lost, "All else is back. `./lab status` shows how the lab stands."]))


def bring_back(session: Session, lab: str, *, quiet: bool = False) -> list[PauseResult]:
    """Bring back what is paused, and show it unless `quiet`. Returns and shows nothing if nothing is paused."""
    paused = pausing.find_paused(session, lab)
    if not paused:
        return []
    results: list[PauseResult] = []
    with screen.step(f"{lab} resumed", quiet=quiet) as retitle:
        coming: list[tuple[PausableType, list[Paused]]] = []
        for resource_type in pausing.resource_types(session):
            own = [one for one in paused if one.kind == resource_type.kind]
            states = wait_until_settled(resource_type, lab, [one.name for one in own], retitle)
            refused = [_resume_one(session, lab, resource_type, one, states.get(one.name)) for one in own]
            results += [result for result in refused if result]
            coming.append((resource_type, [one for one, result in zip(own, refused, strict=True) if not result]))
        for resource_type, own in coming:
            states = wait_until_settled(resource_type, lab, [one.name for one in own], retitle)
            results += [_resumed(session, lab, resource_type, one, states.get(one.name)) for one in own]
        retitle(f"{lab} resumed")
    if not quiet:
        _show(results)
    return results


def wait_until_settled(
    resource_type: PausableType, lab: str, names: Collection[str], notice: Callable[[str], None]
) -> dict[str, str]:
    """Wait until these are in states that last; return the states, by name, of those that are there then.

    Raises LabError when nothing has moved for half an hour.
    """
    states: dict[str, str] = {}

    def moving() -> list[Resource]:
        nonlocal states
        listed = resource_type.list(lab) if names else {}
        states = {name: summary.status for name, summary in listed.items() if name in names}
        passing = ((name, status) for name, status in states.items() if status in resource_type.passing)
        return [Resource(resource_type.kind, f"{name} {status}") for name, status in passing]

    if late := wait.until(moving, notice):
        raise LabError(f"{late[0]}: {wait.LATE}, then run the same command again.")
    return states


def pause_one(session: Session, lab: str, resource_type: PausableType, name: str) -> PauseResult:
    """Ask for the end of one, written down first.

    One that SageMaker does not end in its state runs on, and so does one that nothing could bring back: the others end.
    """
    try:
        paused = resource_type.record(name)
    except pausing.GoneError as error:
        return PauseResult(resource_type.kind, name, left_out=f"nothing could bring it back, for {error}")
    pausing.write_down(session, lab, paused)
    try:
        resource_type.pause(name)
    except ClientError as error:
        if refusals.is_passing(error):  # whether it ends nobody knows: the next command looks, and has what it takes
            raise
        if _status(resource_type, lab, name) in resource_type.running:
            pausing.forget(session, lab, paused)
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            return PauseResult(resource_type.kind, name, left_out=error.response["Error"]["Message"])
        # Else it does end: the answer got lost to the call before, which boto3 made anew.
    return PauseResult(resource_type.kind, name, done=resource_type.done(paused))


def _pause_all(session: Session, lab: str, notice: Callable[[str], None]) -> list[PauseResult]:
    """Ask for everything to end first, then wait for all of it."""
    scope = pausing.scope_of(session, lab)
    results = [PauseResult("warm pool", name, done="ended") for name in pausing.end_warm_pools(session, scope)]
    ending: list[tuple[PausableType, list[str]]] = []
    for resource_type in pausing.resource_types(session):
        own = pausing.in_scope(session, scope, resource_type.list(lab))
        states = wait_until_settled(resource_type, lab, own, notice)
        running = [name for name, status in states.items() if status in resource_type.running]
        asked = [pause_one(session, lab, resource_type, name) for name in running]
        ending.append((resource_type, [result.name for result in asked if result.done]))
        results += asked
        for name in (name for name, status in states.items() if status == pausing.FAILED):
            reason = f"it has failed ({resource_type.failure_reason(name)})"
            results.append(PauseResult(resource_type.kind, name, left_out=reason))
    for resource_type, names in ending:
        wait_until_settled(resource_type, lab, names, notice)
    return results


def _resume_one(
    session: Session, lab: str, resource_type: PausableType, paused: Paused, status: str | None
) -> PauseResult | None:
    """Ask for the return of one; return a result only if that was refused. What can't ever come back is forgotten."""
    try:
        resource_type.resume(paused, status)
    except pausing.GoneError as error:
        pausing.forget(session, lab, paused)
        return PauseResult(paused.kind, paused.name, left_out=str(error))
    except ClientError as error:
        if _status(resource_type, lab, paused.name) in resource_type.passing | resource_type.serving:
            return None  # it does come: the answer got lost to the call before, which boto3 made anew
        return PauseResult(paused.kind, paused.name, left_out=error.response["Error"]["Message"])
    except WaiterError as error:
        return PauseResult(paused.kind, paused.name, left_out=f"{error} (`./lab resume` tries it again)")
    return None


def _resumed(
    session: Session, lab: str, resource_type: PausableType, paused: Paused, status: str | None
) -> PauseResult:
    """Return what came of one that was asked to return.

    It is paused until it serves: one that has failed is tried again by the next resume.
    """
    if status not in resource_type.serving:
        reason = resource_type.failure_reason(paused.name) if status else "somebody deleted it meanwhile"
        return PauseResult(paused.kind, paused.name, left_out=f"{reason} (`./lab resume` tries it again)")
    try:
        resource_type.finish(paused)
    except ClientError as error:
        said = f"{error.response['Error']['Message']} (`./lab resume` tries it again)"
        return PauseResult(paused.kind, paused.name, left_out=f"it is in service, but not scaled: {said}")
    pausing.forget(session, lab, paused)
    return PauseResult(paused.kind, paused.name, done="in service")


def _status(resource_type: PausableType, lab: str, name: str) -> str | None:
    found = resource_type.list(lab).get(name)
    return found.status if found else None


def _show(results: Sequence[PauseResult]) -> None:
    """Print a table of what was done."""
    table = Table("", "", "", "", heads=3)
    for result in results:
        mark, said = ("[green]✓[/]", result.done) if result.done else ("[yellow]![/]", f"left out: {result.left_out}")
        table.add_row(mark, result.kind, escape(result.name), escape(said))
    if results:
        table.show()
