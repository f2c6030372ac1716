"""Conditions of templates may compare what functions make, as the CDK's bootstrap does; ministack compares them unmade.

Which functions: CloudFormation's reference, "Condition functions", and the CDK's own templates, which join there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services.cloudformation import changesets, engine, handlers, stacks

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAKING = ("Fn::FindInMap", "Fn::Join", "Fn::Split", "Fn::Sub")


def make_what_conditions_compare() -> None:
    """Let functions in conditions be carried out first."""
    evaluate = engine._evaluate_conditions

    def evaluated(template: Mapping[str, Any], params: Mapping[str, Any]) -> Any:
        conditions = _made(template.get("Conditions", {}), params, template.get("Mappings", {}))
        return evaluate({**template, "Conditions": conditions}, params)

    for module in (changesets, engine, handlers, stacks):
        module._evaluate_conditions = evaluated


def _made(value: Any, params: Mapping[str, Any], mappings: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_made(each, params, mappings) for each in value]
    if not isinstance(value, dict):
        return value
    if any(name in value for name in _MAKING):
        return engine._resolve_refs(value, {}, params, {}, mappings, "", "")
    return {name: _made(each, params, mappings) for name, each in value.items()}
