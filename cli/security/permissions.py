"""Checks of the templates' policies against what AWS publishes of IAM's actions.

What is found is something that would never be granted, or never be refused, whatever the embedded AWS says of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cli.security import iam_reference
from cli.security.globs import overlap
from cli.security.policies import PolicyStatement, PolicyType, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

# Condition operators by the types of keys that they compare. Source: IAM's user guide, "Condition operators".
_OPERATORS = {
    "String": ("String",),
    "ARN": ("Arn", "String"),
    "Bool": ("Bool",),
    "Numeric": ("Numeric",),
    "Date": ("Date", "Numeric"),
    "IPAddress": ("IpAddress", "NotIpAddress"),
}
_SHOWN = 3  # of the forms of ARNs, of which some actions have dozens
_ARRAY = "ArrayOf"
_OVER_ARRAYS = ("ForAllValues:", "ForAnyValue:")


class Problem(NamedTuple):
    """A rule that does not hold, where, and in words."""

    rule: str
    template: Path
    logical_id: str
    message: str


def problems(templates: Iterable[Path]) -> Iterator[Problem]:
    """Look at every policy of an app's templates."""
    found = list(statements(templates))
    for statement in found:
        for rule, message in _of(statement):
            yield Problem(rule, statement.template, statement.logical_id, message)
    yield from _unnamed(found)


def _of(statement: PolicyStatement) -> Iterator[tuple[str, str]]:
    for element in statement.unread:
        yield f"IAM-{element}", "it stands for all but what it names, and so can't be held against the IAM reference"
    # "s3:*", in a denial: every action of the service, each of which is another one's.
    named = [action for action in statement.actions if "*" not in action]
    known = [action for action in named if iam_reference.exists(action)]
    for action in named:
        if action not in known:
            yield f"IAM-Action[{action}]", "IAM has no such action, by this spelling"
    if statement.kind is PolicyType.IDENTITY:
        yield from _resources(statement, known)
    for action in known:
        yield from _conditions(statement, action)


def _resources(statement: PolicyStatement, actions: Iterable[str]) -> Iterator[tuple[str, str]]:
    everything = "*" in statement.resources
    for action in actions:
        types = iam_reference.resource_types(action)
        if not everything and not _asked_about(statement, action):
            asked = _some([each.arn for each in types if each.required] or [each.arn for each in types] or ["*"])
            yield f"IAM-Resource[{action}]", f"none of its resources is what it is asked about, which is {asked}"
    if any("*" in action for action in statement.actions):
        return
    forms = [each.arn for action in statement.actions for each in _types(action)]
    for resource in statement.resources:
        if resource != "*" and not any(overlap(resource, form) for form in forms):
            yield f"IAM-Needless[{resource}]", "none of the actions beside it is ever asked about it"


def _conditions(statement: PolicyStatement, action: str) -> Iterator[tuple[str, str]]:
    types = _asked_about(statement, action) if statement.kind is PolicyType.IDENTITY else _types(action)
    for operator, key in statement.conditions:
        kind = iam_reference.condition_type(action, types, key)
        if kind is None:
            yield f"IAM-Condition[{key} of {action}]", "the action has no such condition key for these resources"
            continue
        over, _, compared = operator.rpartition(":")
        compared = compared.removesuffix("IfExists")
        if compared != "Null" and not compared.startswith(_OPERATORS[kind.removeprefix(_ARRAY)]):
            yield f"IAM-Operator[{operator} of {key}]", f"the key is of the type {kind}"
        elif compared != "Null" and kind.startswith(_ARRAY) != (f"{over}:" in _OVER_ARRAYS):
            yield f"IAM-Operator[{operator} of {key}]", f"the key is of the type {kind}: only arrays have ForAllValues"


def _unnamed(found: Iterable[PolicyStatement]) -> Iterator[Problem]:
    """Find actions that are always asked about several resources, one of which no statement of a role names."""
    allowed: dict[tuple[Path, str], list[PolicyStatement]] = {}
    for statement in found:
        if statement.kind is PolicyType.IDENTITY and statement.allows:
            for role in statement.roles:
                allowed.setdefault((statement.template, role), []).append(statement)
    for (template, role), own in allowed.items():
        for action in sorted({action for statement in own for action in statement.actions}):
            named = {each.name for one in own if action in one.actions for each in _asked_about(one, action)}
            for each in _types(action):
                if named and each.required and each.name not in named:
                    message = f"it is always asked about a {each.name} too, {each.arn}, which the role does not name"
                    yield Problem(f"IAM-Unnamed[{action}: {each.name}]", template, role, message)


def _some(forms: Sequence[str]) -> str:
    shown = " or ".join(forms[:_SHOWN])
    return shown if len(forms) <= _SHOWN else f"{shown} or {len(forms) - _SHOWN} more"


def _asked_about(statement: PolicyStatement, action: str) -> tuple[iam_reference.IamResourceType, ...]:
    """Return the types of the statement's resources, of those that the action is asked about."""
    return tuple(
        each
        for each in _types(action)
        if "*" in statement.resources or any(overlap(resource, each.arn) for resource in statement.resources)
    )


def _types(action: str) -> tuple[iam_reference.IamResourceType, ...]:
    known = "*" not in action and iam_reference.exists(action)
    return iam_reference.resource_types(action) if known else ()
