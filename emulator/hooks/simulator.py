"""IAM's policy simulator takes ContextEntries and every ResourceArn; ministack's looks at neither."""

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
    """The results, one for each action and resource. That AWS lists several resources so was not checked."""
    asked = _SIMULATED.get()
    info = iam_evaluator.PrincipalInfo(arn, "AssumedRole" if ":role/" in arn else "User", account, policies)
    who = Principal(info, responses.get_region())
    resources = _members(asked, "ResourceArns.member.{}") or ["*"]
    names = _members(asked, "ContextEntries.member.{}.ContextKeyName")
    values = [
        _members(asked, f"ContextEntries.member.{number}.ContextKeyValues.member.{{}}")
        for number in range(1, len(names) + 1)
    ]
    kinds = _members(asked, "ContextEntries.member.{}.ContextKeyType")
    context = {
        name: given if kind.endswith("List") else given[0]
        for name, kind, given in zip(names, kinds, values, strict=True)
    }
    return "".join(
        f"<member><EvalActionName>{escape(action)}</EvalActionName>"
        f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
        f"<EvalDecision>{_DECISIONS[who.decision(action, resource, context)]}</EvalDecision>"
        "<MatchedStatements></MatchedStatements><MissingContextValues></MissingContextValues></member>"
        for action in actions
        for resource in resources
    )


def _members(parameters: Mapping[str, Any], pattern: str) -> list[str]:
    """A list as the Query protocol writes it: one parameter an element, counted from 1."""
    found: list[str] = []
    while value := iam._p(parameters, pattern.format(len(found) + 1)):
        found.append(value)
    return found
