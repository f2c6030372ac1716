"""`./lab down`: destroy the lab, stop everything it started, and say what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import leftovers, paths, place, screen, seat, settings, stacks, students_work
from cli.errors import LabError
from cli.place import Target
from emulator import gateway

if TYPE_CHECKING:
    from collections.abc import Sequence


def down(target: Target, context: Sequence[str], *, keep_aws: bool) -> None:
    """Delete the lab's stacks, its logs, and (unless `keep_aws`) the embedded AWS.

    Raises LabError when something is left that should not be.
    """
    wanted = settings.read(context)
    lab = wanted.name
    if target is Target.EMBEDDED and gateway.running(paths.GATEWAY) is None:
        screen.console.print("Nothing runs and nothing is deployed: there is nothing to take down.")
        return
    here = place.find(target)
    declared = leftovers.own_log_groups(here, lab)
    prefixes = [seat.prefix(lab, each.name) for each in seat.find(here, wanted)]
    students_work.end(here, prefixes)
    with screen.step("stacks deleted") as retitle:
        gone = stacks.delete(here, lab, notice=retitle)
        retitle(f"{len(gone)} stacks deleted")
    # What a student still made before the role was gone.
    students_work.end(here, prefixes)
    leftovers.delete_logs(here, lab, declared)
    left = leftovers.find(here, lab)
    if target is Target.EMBEDDED and not keep_aws and not left:
        with screen.step("embedded AWS stopped"):
            gateway.stop(paths.GATEWAY)
        screen.console.print("Nothing is left.")
        return
    if left:
        raise LabError("\n".join(["Left behind:", *(f"  {thing}" for thing in left), "Run `./lab down` again."]))
    screen.console.print(f"Nothing of {lab} is left." + _waiting(leftovers.keys_in_waiting(here, lab)))


def _waiting(keys: list[str]) -> str:
    """KMS keys can't be deleted at once: https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html."""
    return "".join(f"\n  KMS key {key}: in its waiting period, costs nothing" for key in keys)
