"""IAM's policy simulator takes ContextEntries and every ResourceArn; ministack's looks at neither.

It answers one result for an action, however many resources are named: its decision is the strictest of theirs, and its
EvalResourceName no resource that was asked for, but the template of the action's ARNs. Source: IAM's API reference,
EvaluationResult and ResourceSpecificResult. The templates are not known here: it is always `*`, as on AWS for an action
that has none. Which statements matched is not told.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator, responses
from ministack.services import iam

from emulator.hooks.principals import Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.hooks.services import Response

_DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}
_STRICTEST = ("explicitDeny", "implicitDeny", "allowed")
_SIMULATED: ContextVar[Mapping[str, Any]] = ContextVar("simulated")


def simulate_with_context() -> None:
    """Let SimulatePrincipalPolicy and SimulateCustomPolicy heed them."""
    for operation in ("SimulatePrincipalPolicy", "SimulateCustomPolicy"):
        iam._IAM_HANDLERS[operation] = _simulating(iam._IAM_HANDLERS[operation])
    iam._build_simulate_results_real = _simulated


def _simulating(answer: Callable[[Any], Response]) -> Callable[[Any], Response]:
    def with_request(parameters: Mapping[str, Any]) -> Response:
        token = _SIMULATED.set(parameters)
        try:
            return answer(parameters)
        finally:
            _SIMULATED.reset(token)

    return with_request


def _simulated(actions: list[str], _resource: str, arn: str, account: str, policies: list[Any]) -> str:
    """Return the results: one for each action, the strictest of its decisions, and below it one for each resource."""
    asked = _SIMULATED.get()
    info = iam_evaluator.PrincipalInfo(arn, "AssumedRole" if ":role/" in arn else "User", account, policies)
    who = Principal(info, responses.get_region())
    named = _members(asked, "ResourceArns.member.{}")
    context = _context(asked)
    found = ""
    for action in actions:
        decisions = {each: _DECISIONS[who.decision(action, each, context)] for each in named or ["*"]}
        specific = "".join(_result("Resource", resource, decision) for resource, decision in decisions.items() if named)
        strictest = min(decisions.values(), key=_STRICTEST.index)
        found += (
            f"<member><EvalActionName>{escape(action)}</EvalActionName>{_result('', '*', strictest, whole=False)}"
            f"<ResourceSpecificResults>{specific}</ResourceSpecificResults></member>"
        )
    return found


def _result(of: str, resource: str, decision: str, *, whole: bool = True) -> str:
    members = (
        f"<EvalResourceName>{escape(resource)}</EvalResourceName><Eval{of}Decision>{decision}</Eval{of}Decision>"
        "<MatchedStatements></MatchedStatements><MissingContextValues></MissingContextValues>"
    )
    return f"<member>{members}</member>" if whole else members


def _context(asked: Mapping[str, Any]) -> dict[str, Any]:
    names = _members(asked, "ContextEntries.member.{}.ContextKeyName")
    values = [
        _members(asked, f"ContextEntries.member.{number}.ContextKeyValues.member.{{}}")
        for number in range(1, len(names) + 1)
    ]
    kinds = _members(asked, "ContextEntries.member.{}.ContextKeyType")
    return {
        name: given if kind.endswith("List") else given[0]
        for name, kind, given in zip(names, kinds, values, strict=True)
    }


def _members(parameters: Mapping[str, Any], pattern: str) -> list[str]:
    """A list as the Query protocol writes it: one parameter an element, counted from 1."""
    found: list[str] = []
    while value := iam._p(parameters, pattern.format(len(found) + 1)):
        found.append(value)
    return found
