"""What becomes of each member of a request: it is carried out, only recorded, or refused.

A kind's declaration is a tree of botocore's names, down to the last member, through lists too. It is what refuses and
what docs/embedded-aws.md is made from. A member that it does not name is refused: what is not known to be done is not
claimed to be.
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
    """What becomes of a member; `note` says how far, `values` are the only ones that are carried out, if any."""

    level: str
    note: str = ""
    values: tuple[Any, ...] = ()


Members: TypeAlias = Mapping[str, "Support | Members"]

DONE = Support("done")
RECORDED = Support("recorded")
REFUSED = Support("refused")
TAGS: Members = {"Key": DONE, "Value": DONE}


def done(note: str) -> Support:
    """Carried out, with something to say about it."""
    return Support("done", note)


def recorded(note: str) -> Support:
    """Only recorded: Describe tells it again, nothing else comes of it; the note says why."""
    return Support("recorded", note)


def only(*values: Any) -> Support:
    """Carried out for these values, refused for any other."""
    return Support("done", values=values)


def check(members: Members, request: Mapping[str, Any]) -> None:
    """Raise ValidationException with every member of the request that is refused, by its path."""
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
    """A structure, or the structures of a list, each with its name or its number from one on."""
    if isinstance(value, Mapping):
        yield "", value
        return
    for number, each in enumerate(value, 1):
        name = next((text for member, text in each.items() if member.endswith("Name")), number)
        yield f"[{name}]", each
