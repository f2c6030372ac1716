"""`./lab seats`: show the class's seats, and change them while the lab is up."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from cli import settings
from cli.aws import cdk, deployment, jupyter, lab_deletion, owner, seats, stacks
from cli.aws.seat_files import SeatFiles
from cli.aws.session import connect
from cli.ui import screen
from cli.ui.errors import Interrupted, LabError
from cli.ui.table import Table
from infra.seats import safe
from teardown.names import notebook, seat_stack, storage_stack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.aws.deployment import SeatsOutcome
    from cli.aws.seats import SeatStatus
    from cli.aws.session import Session, Target
    from infra.settings import Settings
    from teardown.receipt import Remaining

_COLOURS = {"ready": "green", "failed": "red"}


def show(target: Target, context: Sequence[str], *, as_json: bool) -> None:
    """Print every seat of the settings and of the account."""
    lab = settings.read(context)
    found = seats.find(connect(target), lab)
    if as_json:
        print(json.dumps([each.document() for each in found], indent=2))
        return
    if not found:
        screen.console.print("The lab has no seats: `./lab seats add NAME` makes one.", soft_wrap=True)
        return
    table = Table("seat", "", "notebook", "stack", "email")
    for each in found:
        colour = _COLOURS.get(each.standing, "yellow")
        cells = (each.notebook or "", each.stack or "", escape(each.email))
        table.add_row(f"[bold]{each.name}[/]", f"[{colour}]{each.standing}[/]", *cells)
    table.show()


def add(target: Target, context: Sequence[str], names: Sequence[str]) -> None:
    """Write the seats down and deploy them; seats that the CDK app refuses are not written down.

    Those that an `add` before has written down, and has not deployed, are deployed.
    """
    lab = settings.read(context)
    listed = {each.name for each in lab.seats}
    begun = [name for name in names if safe(name) in listed]
    if begun:
        found = seats.find(_connect_to_lab(target, lab), lab)
        deployed = {each.name for each in found if each.stack and each.notebook}
        begun = [name for name in begun if safe(name) not in deployed]
    new = [name for name in names if name not in begun]
    change = settings.add_seats(context, new)
    session = _connect_to_lab(target, change.settings)
    with change.written() if new else nullcontext():
        added = [each.name for each in change.settings.seats][-len(new) :] if new else []
        wanted = _synthesised(session, change.settings, context, [*map(safe, begun), *added])
    report(deployment.deploy_seats(session, change.settings, wanted))


def remove(target: Target, context: Sequence[str], names: Sequence[str], *, force: bool) -> None:
    """Delete the seats with all that their students made, and take them off the settings."""
    lab = settings.read(context)
    session = _connect_to_lab(target, lab)
    leaving = seats.chosen(seats.find(session, lab), names)
    change = settings.remove_seats(context, [each.name for each in leaving])
    records = _delete(session, lab, leaving, force=force)
    for each in leaving:
        SeatFiles(session, stacks.outputs(session, lab.name)["BucketName"], each.name).forget()
    change.write()  # the last: until then the same command goes on
    but = " but these records" if records else ""
    screen.console.print(
        f"{_list(each.name for each in leaving)}: gone, and nothing of it is left{but}.", soft_wrap=True
    )


def rebuild(target: Target, context: Sequence[str], names: Sequence[str], *, force: bool) -> None:
    """Delete the seats and make them anew, with the files that they had.

    Nothing is deleted before the new ones are synthesised and the old ones' files kept aside.
    """
    lab = settings.read(context)
    session = _connect_to_lab(target, lab)
    found = seats.chosen(seats.find(session, lab), names)
    if unlisted := [each.name for each in found if not each.listed]:
        raise LabError(f"{_list(unlisted)} is not in the settings: `./lab seats add` or `./lab seats remove` it.")
    if not force:
        _refuse_busy(session, lab, found)
        _refuse_stopped(found)
    wanted = _synthesised(session, lab, context, [each.name for each in found])
    kept = _set_aside(session, lab, found)
    where = ", ".join(map(str, kept.values()))
    goes_on = f"the files are kept in {where}; `./lab seats rebuild {' '.join(wanted)}` goes on, and brings them back."
    try:
        _delete(session, lab, found, force=force)
        outcome = deployment.deploy_seats(session, lab, wanted)
    except (LabError, ClientError, BotoCoreError) as error:
        raise LabError(f"{error}\nNothing is lost: {goes_on}") from None
    except Interrupted as interruption:
        raise Interrupted(f"Nothing is lost: {goes_on}", interruption.number) from None
    _bring_back({name: aside for name, aside in kept.items() if name in outcome.ready})
    for name in outcome.failed:
        screen.console.print(f"[yellow]![/] The files of {name} are kept in {kept[name]}.", soft_wrap=True)
    report(outcome)


def report(outcome: SeatsOutcome) -> None:
    """Show the table in which a deployment of seats ends. Raises LabError if one failed."""
    if not (outcome.ready or outcome.failed):
        return
    table = Table("seats", "")
    if outcome.ready:
        table.add_row(f"[green]✓ {len(outcome.ready)} ready[/]", _list(sorted(outcome.ready)))
    for name, reason in sorted(outcome.failed.items()):
        table.add_row(f"[red]✗ {name}[/]", escape(reason))
    table.show()
    if outcome.failed:
        total = len(outcome.ready) + len(outcome.failed)
        raise LabError(
            f"{len(outcome.failed)} of {total} seats failed: mend what the table names, then `./lab up` or "
            f"`./lab seats rebuild {next(iter(sorted(outcome.failed)))}` goes on."
        )


def _connect_to_lab(target: Target, lab: Settings) -> Session:
    """Open a session where the lab is up. Raises LabError if it is not."""
    session = connect(target)
    if not stacks.exists(session, storage_stack(lab.name)):
        raise LabError(
            f"The lab {lab.name} is not up, and seats share its storage: `./lab up` deploys it with every seat of the "
            "settings."
        )
    with screen.step("the lab's stacks settled", quiet=True) as notice:  # which a command may have left that was killed
        stacks.wait_until_settled(session, lab.name, notice)
    return session


def _synthesised(session: Session, lab: Settings, context: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return the synthesised stacks of these seats. Raises LabError if there are none."""
    with screen.step("CDK app synthesised"):
        cdk.synth(session, owner.add_to_context(session, lab, context))
    stacks_of = cdk.assembly().seats
    if missing := [name for name in names if name not in stacks_of]:
        raise LabError(f"The CDK app has no stack for {_list(missing)}: look at app.py and infra/.")
    return {name: stacks_of[name] for name in names}


def _set_aside(session: Session, lab: Settings, found: Sequence[SeatStatus]) -> dict[str, SeatFiles]:
    """Copy the seats' files to where no stack deletes them, by seat."""
    bucket = stacks.outputs(session, lab.name)["BucketName"]
    kept = {each.name: SeatFiles(session, bucket, each.name) for each in found}
    with screen.step("files kept aside") as retitle:
        for each in found:
            retitle(f"files of {each.name} kept aside")
            kept[each.name].set_aside()
            if each.notebook == "InService":
                try:
                    kept[each.name].set_aside_notebook(notebook(lab.name, each.name))
                except (OSError, ValueError) as error:  # it is broken: that is why its seat is made anew
                    screen.console.print(
                        f"[yellow]![/] The notebook of {each.name} does not hand out its files "
                        f"({escape(str(error))}): what lies on its volume only can't be kept.",
                        soft_wrap=True,
                    )
        retitle("files kept aside")
    return kept


def _bring_back(kept: Mapping[str, SeatFiles]) -> None:
    for name, aside in kept.items():
        if beside := aside.bring_back():
            files = f"{beside} file{'s' * (beside > 1)}"
            screen.console.print(f"{name}: {files} from before, beside the new seat's: {aside.before}", soft_wrap=True)


def _refuse_stopped(found: Sequence[SeatStatus]) -> None:
    """Raise LabError for notebooks that are sound, and don't hand out their files because they are stopped."""
    if stopped := [each.name for each in found if each.notebook == "Stopped"]:
        first = stopped[0]
        raise LabError(
            f"Stopped: the notebook of {_list(stopped)}. What lies on its volume only can't be kept so, and would be "
            f"lost: `./lab notebook {first}` starts it, or add --force. Nothing was changed."
        )


def _delete(session: Session, lab: Settings, leaving: Sequence[SeatStatus], *, force: bool) -> bool:
    """Delete notebooks, roles and prefixes with their stacks, and what students made; nothing if one is busy.

    Returns whether AWS keeps records of it, which are shown.
    """
    if not force:
        _refuse_busy(session, lab, leaving)
    names = [each.name for each in leaving]
    _end_work(session, lab, names)
    with screen.step("seats deleted") as retitle:
        stacks.delete(session, lab.name, retitle, only=[seat_stack(lab.name, name) for name in names])
        retitle(f"seats deleted: {_list(names)}")
    # What a student still made before the role was gone.
    kept = _end_work(session, lab, names)
    for name in names:
        lab_deletion.delete_seat_logs(session, lab.name, name)
    for each in kept:
        screen.console.print(f"[dim]· {escape(str(each.resource))}: {escape(each.why)}[/]", soft_wrap=True)
    return bool(kept)


def _end_work(session: Session, lab: Settings, names: Iterable[str]) -> list[Remaining]:
    """Delete what students made in SageMaker, and show what that came to, unless it was nothing.

    Returns what AWS keeps of it for ever. Raises LabError if something else is left.
    """
    started = time.monotonic()
    with screen.step("students' work", quiet=True) as notice:
        done = [lab_deletion.delete_seat_work(session, lab.name, name, notice) for name in names]
    remains = [each for receipt in done for each in receipt.remaining.values()]
    if reasons := [f"{each.resource}: {each.why}" for each in remains if not each.expected]:
        raise LabError("\n".join([*reasons, "Mend what it names, then run the same command again."]))
    if gone := sum(len(receipt.deleted) for receipt in done):
        screen.done(f"students' work deleted: {gone} things", time.monotonic() - started)
    return remains


def _refuse_busy(session: Session, lab: Settings, leaving: Sequence[SeatStatus]) -> None:
    instances = {each.name: notebook(lab.name, each.name) for each in leaving if each.notebook}
    activities = {name: str(jupyter.activity(session, instance)) for name, instance in instances.items()}
    busy = [f"{name} has {activity}" for name, activity in activities.items() if activity]
    if busy:
        raise LabError(
            f"At work: {'; '.join(busy)}. What is not saved elsewhere would be lost: ask the student, or add --force. "
            "Nothing was changed."
        )


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
