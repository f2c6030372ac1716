"""`./lab resume`: bring back what `./lab pause` ended, and nothing else; nothing is trained."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, WaiterError

from cli import settings
from cli.aws import paused, pausing
from cli.aws.session import connect
from cli.commands.pause import Deed, settle, show
from cli.ui import screen
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.paused import Kept
    from cli.aws.pausing import Pausable
    from cli.aws.session import Session, Target


def resume(target: Target, context: Sequence[str], *, as_json: bool) -> None:
    """Bring back what is paused and wait for it. Raises LabError, after all the rest is back, for what is not."""
    lab = settings.read(context).name
    session = connect(target)
    deeds = bring_back(session, lab, quiet=as_json)
    if as_json:
        print(json.dumps({"lab": lab, "done": [asdict(deed) for deed in deeds]}, indent=2))
    elif not deeds:
        screen.console.print(f"Nothing of {lab} is paused.", soft_wrap=True)
    lost = [f"{deed.kind} {deed.name} is not back: {deed.left_out}" for deed in deeds if deed.left_out]
    if lost:
        raise LabError("\n".join([*lost, "All else is back. `./lab status` shows how the lab stands."]))


def bring_back(session: Session, lab: str, *, quiet: bool = False) -> list[Deed]:
    """Bring back what is paused, and show it unless `quiet`; what was done. Nothing is shown if nothing is paused."""
    kept = paused.find(session, lab)
    if not kept:
        return []
    deeds: list[Deed] = []
    with screen.step(f"{lab} resumed", quiet=quiet) as retitle:
        coming: list[tuple[Pausable, list[Kept]]] = []
        for of in pausing.kinds(session):
            mine = [one for one in kept if one.kind == of.kind]
            states = settle(of, lab, [one.name for one in mine], retitle)
            refused = [_start(session, lab, of, one, states.get(one.name)) for one in mine]
            deeds += [deed for deed in refused if deed]
            coming.append((of, [one for one, deed in zip(mine, refused, strict=True) if not deed]))
        for of, mine in coming:
            states = settle(of, lab, [one.name for one in mine], retitle)
            deeds += [_finish(session, lab, of, one, states.get(one.name)) for one in mine]
        retitle(f"{lab} resumed")
    if not quiet:
        show(deeds)
    return deeds


def _start(session: Session, lab: str, of: Pausable, kept: Kept, status: str | None) -> Deed | None:
    """Ask for its return; what came of it if that was refused. What can't ever come back is forgotten."""
    try:
        of.resume(kept, status)
    except pausing.GoneError as error:
        paused.forget(session, lab, kept)
        return Deed(kept.kind, kept.name, left_out=str(error))
    except ClientError as error:
        return Deed(kept.kind, kept.name, left_out=error.response["Error"]["Message"])
    except WaiterError as error:
        return Deed(kept.kind, kept.name, left_out=f"{error} (`./lab resume` tries it again)")
    return None


def _finish(session: Session, lab: str, of: Pausable, kept: Kept, status: str | None) -> Deed:
    """What came of it. It is paused until it serves: one that has failed is tried again by the next resume."""
    if status not in of.serving:
        reason = of.reason(kept.name) if status else "somebody deleted it meanwhile"
        return Deed(kept.kind, kept.name, left_out=f"{reason} (`./lab resume` tries it again)")
    paused.forget(session, lab, kept)
    return Deed(kept.kind, kept.name, done="in service")
