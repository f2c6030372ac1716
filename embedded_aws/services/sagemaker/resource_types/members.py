"""How far each member of a request is supported: it is done, only recorded, or refused.

A resource type declares its members as a tree of botocore's names, down to the last member, through lists too. Requests
are checked against it, and docs/embedded-aws.md is made from it. A member that it does not name is refused: what is not
known to be done is not claimed to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Support:
    """A member's support: done, recorded or refused. `note` says more, `values`, if any, the only ones supported."""

    level: str
    note: str = ""
    values: tuple[Any, ...] = ()


Members: TypeAlias = Mapping[str, "Support | Members"]

DONE = Support("done")
RECORDED = Support("recorded")
REFUSED = Support("refused")
TAGS: Members = {"Key": DONE, "Value": DONE}
ISOLATED = "no credentials, no package index; in a sandbox the loopback alone, and the job's other hosts"


def done(note: str) -> Support:
    """Declare a member as done, with a note for the documentation."""
    return Support("done", note)


def recorded(note: str) -> Support:
    """Declare a member as only recorded: Describe returns it, it has no other effect; the note says why."""
    return Support("recorded", note)


def only(*values: Any) -> Support:
    """Declare a member as done for these values and refused for any other."""
    return Support("done", values=values)


def check(members: Members, request: Mapping[str, Any]) -> None:
    """Raise ValidationException if the request has refused members; it names all of them by their paths."""
    if problems := [*_refusals(members, request, "")]:
        raise validation_exception(f"The embedded AWS does not offer {', '.join(problems)}; do this on AWS.")


def _refusals(members: Members, given: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, value in given.items():
        support = members.get(name, REFUSED)
        if isinstance(support, Mapping):
            for label, each in _each(value):
                yield from _refusals(support, each, f"{path}{name}{label}.")
        elif support.level == REFUSED.level:
            if value != []:  # an empty list asks for nothing
                yield f"{path}{name}"
        elif support.values and value not in support.values:
            yield f"{path}{name} {value}"


def _each(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the structures of a value: "" and itself, or each of a list with its name or its number from one on."""
    if isinstance(value, Mapping):
        yield "", value
        return
    for number, each in enumerate(value, 1):
        name = next((text for member, text in each.items() if member.endswith("Name")), number)
        yield f"[{name}]", each
