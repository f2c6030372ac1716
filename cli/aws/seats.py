"""The seats: what the settings say of each, its stack, its notebook instance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from cli.aws import stacks
from cli.ui.errors import LabError
from infra.seats import safe
from teardown import names
from teardown.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.aws.session import Session
    from cli.aws.stacks import Stack
    from infra.settings import Settings

_KNOWN = 10
_STANDINGS = {
    "Stopped": "stopped",
    "Failed": "failed",
    "PendingMaintenance": "maintenance pending",
    "InMaintenance": "in maintenance",
}


@dataclass(frozen=True)
class SeatStatus:
    """One seat. `stack` and `notebook` are CloudFormation's and SageMaker's states; None where there is none."""

    name: str
    email: str
    listed: bool  # whether the settings have it
    stack: str | None
    notebook: str | None

    @property
    def standing(self) -> str:
        """Say in a word or two how it stands."""
        if self.stack is None:
            return "not deployed"
        if not self.listed:
            return "not in the settings"
        if self.notebook == "InService" and "ROLLBACK" not in self.stack:
            return "ready"
        return _STANDINGS.get(self.notebook or "", self.stack)

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {**asdict(self), "standing": self.standing}


def notebooks(session: Session, lab: str) -> dict[str, dict[str, Any]]:
    """List the lab's notebook instances by name, as ListNotebookInstances has them."""
    prefix = names.prefix(lab)
    pages = session.client("sagemaker").get_paginator("list_notebook_instances").paginate(NameContains=prefix)
    found = [each for page in pages for each in page["NotebookInstances"]]
    return {each["NotebookInstanceName"]: each for each in found if each["NotebookInstanceName"].startswith(prefix)}


def find(session: Session, settings: Settings) -> list[SeatStatus]:
    """Return every seat that is in the settings or deployed, by name."""
    return combine(settings, stacks.of_lab(session, settings.name), notebooks(session, settings.name))


def combine(settings: Settings, found: Iterable[Stack], instances: Mapping[str, Mapping[str, Any]]) -> list[SeatStatus]:
    """Return every seat that is in the settings or among these stacks of the lab, with its notebook instance."""
    listed = {seat.name: seat for seat in settings.seats}
    deployed = {stack.seat: stack for stack in found if stack.seat}
    return [
        SeatStatus(
            name=name,
            email=listed[name].email if name in listed else "",
            listed=name in listed,
            stack=deployed[name].status if name in deployed else None,
            notebook=instances.get(names.notebook(settings.name, name), {}).get("NotebookInstanceStatus"),
        )
        for name in sorted({*listed, *deployed})
    ]


def owner_of(name: str, lab: str, known: Iterable[str]) -> str | None:
    """Return the seat whose student has made something of this name: its own comes after the lab's.

    Where one seat's name begins another's, `ada` and `ada-b`, it is the longer one's.
    """
    return max((seat for seat in known if Scope(lab=lab, seat=seat).names(name)), key=len, default=None)


def chosen(found: Iterable[SeatStatus], names: Sequence[str]) -> list[SeatStatus]:
    """Select the seats of these names, as students write them. Raises LabError that names those there are not."""
    known = {seat.name: seat for seat in found}
    unknown = [name for name in names if safe(name) not in known]
    if unknown:
        near = get_close_matches(safe(unknown[0]), known, n=1)
        more = f", … ({len(known)} in all)" if len(known) > _KNOWN else ""
        there = f"There are {', '.join(sorted(known)[:_KNOWN])}{more}." if known else "There are none."
        hint = f"Did you mean {near[0]}?" if near else there
        raise LabError(f"There is no seat {', '.join(unknown)}. {hint} `./lab seats list` shows all.")
    return [known[safe(name)] for name in dict.fromkeys(names)]
