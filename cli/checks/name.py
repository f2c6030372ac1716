"""The lab's name: whether it is free, or this lab's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.aws import owner
from cli.checks.result import Finding, State
from teardown.scope import TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Subject

_PARTS = ("operations", "storage", "training", "endpoint")


def check(subject: Subject) -> Iterator[Finding]:
    """Look for stacks of the name that are not the lab's, for labs with names too much alike, for another owner."""
    found = [*_taken(subject), *_alike(subject), *_owned(subject)]
    yield from found or [Finding("name", State.OK, f"{subject.settings.name} is {_free(subject)}")]


def _free(subject: Subject) -> str:
    return "this lab's" if subject.own else "free"


def _taken(subject: Subject) -> Iterator[Finding]:
    lab = subject.settings.name
    wanted = {f"{lab}-{part}" for part in _PARTS} | {f"{lab}-seat-{seat.name}" for seat in subject.settings.seats}
    for stack in subject.stacks:
        if stack.name in wanted and stack.tags.get(TAG) != lab:
            text = f"the stack {stack.name} is there and belongs to something else: choose another lab.name"
            yield Finding("name", State.WRONG, text)


def _alike(subject: Subject) -> Iterator[Finding]:
    lab = subject.settings.name
    for other in sorted({stack.tags[TAG] for stack in subject.stacks if TAG in stack.tags} - {lab}):
        if other.startswith(f"{lab}-") or lab.startswith(f"{other}-"):
            text = (
                f"the lab {other} is in this account and region: {max(lab, other, key=len)} begins with "
                f"{min(lab, other, key=len)}-, and each would take the other's resources for its own: choose a "
                "lab.name that does not"
            )
            yield Finding("name", State.WRONG, text)


def _owned(subject: Subject) -> Iterator[Finding]:
    if others := owner.others(subject.session, subject.settings, subject.own):
        text = (
            f"lab.name {subject.settings.name} is in use by the lab of {others}, and you are "
            f"{owner.of(subject.session, subject.settings)}: choose another lab.name, or --force if it is yours to "
            "change"
        )
        yield Finding("name", State.RISKY, text)
