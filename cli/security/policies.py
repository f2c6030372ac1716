"""The statements of every policy in an app's templates, with each resource written out as far as a template tells."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from cli.security import iam_reference
from cli.security.globs import ANYTHING, NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_HERE = {
    "AWS::Partition": iam_reference.PARTITION,
    "AWS::Region": NAME,
    "AWS::AccountId": NAME,
    "AWS::URLSuffix": "amazonaws.com",
}
# The types whose Ref is their ARN. Source: CloudFormation's user guide, "Return values" of each.
_REF_IS_ARN = {"AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}


class PolicyType(Enum):
    """What a policy is attached to: who may do something, what something may be done to, or a role to be assumed."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    TRUST = "trust"


@dataclass(frozen=True)
class PolicyStatement:
    """A statement, the template and the logical id that it is found at, and the roles that it is for."""

    template: Path
    logical_id: str
    kind: PolicyType
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]  # each an operator and a key
    roles: tuple[str, ...]
    unread: tuple[str, ...]  # elements that stand for all but what they name, such as NotAction


def statements(templates: Iterable[Path]) -> Iterator[PolicyStatement]:
    """Read those of every template; they are of one app, so that one may import what another exports."""
    app = {path: json.loads(path.read_text(encoding="utf-8")) for path in templates}
    exports = {
        json.dumps(output["Export"]["Name"]): (template, output["Value"])
        for template in app.values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    for path, template in app.items():
        names = _Names(template, exports)
        for logical_id, resource in template["Resources"].items():
            for where, document in _documents(resource.get("Properties", {}), ()):
                kind, roles = _attached(logical_id, resource, where)
                for found in _listed(document["Statement"]):
                    yield PolicyStatement(
                        path,
                        logical_id,
                        kind,
                        found["Effect"] == "Allow",
                        tuple(_listed(found.get("Action", []))),
                        tuple(names.text(each) for each in _listed(found.get("Resource", []))),
                        tuple((operator, key) for operator, keys in found.get("Condition", {}).items() for key in keys),
                        roles,
                        tuple(key for key in ("NotAction", "NotResource", "NotPrincipal") if key in found),
                    )


def _attached(
    logical_id: str, resource: Mapping[str, Any], where: tuple[str, ...]
) -> tuple[PolicyType, tuple[str, ...]]:
    if "AssumeRolePolicyDocument" in where:
        return PolicyType.TRUST, ()
    if resource["Type"] == "AWS::IAM::Role":
        return PolicyType.IDENTITY, (logical_id,)
    if resource["Type"] in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
        return PolicyType.IDENTITY, tuple(
            str(each.get("Ref", each)) for each in resource["Properties"].get("Roles", [])
        )
    return PolicyType.RESOURCE, ()


def _documents(item: Any, where: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if isinstance(item, dict):
        if "Statement" in item:
            yield where, item
        for key, value in item.items():
            yield from _documents(value, (*where, key))
    elif isinstance(item, list):
        for value in item:
            yield from _documents(value, where)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class _Names:
    """What CloudFormation's functions of one template come to; `…` stands for what is known only to a deployment."""

    def __init__(self, template: Mapping[str, Any], exports: Mapping[str, tuple[Mapping[str, Any], Any]]) -> None:
        self._resources = template["Resources"]
        self._exports = exports
        self._functions = {
            "Ref": self._ref,
            "Fn::GetAtt": self._attribute,
            "Fn::ImportValue": self._import,
            "Fn::Join": self._join,
            "Fn::Sub": self._sub,
        }

    def text(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, dict) and len(value) == 1:
            [(function, given)] = value.items()
            if function in self._functions:
                return self._functions[function](given)
        return ANYTHING

    def _ref(self, name: Any) -> str:
        if name in _HERE:
            return _HERE[name]
        return self._arn(name) if self._kind(name) in _REF_IS_ARN else ANYTHING

    def _attribute(self, given: Any) -> str:
        logical_id, attribute = given if isinstance(given, list) else given.split(".", 1)
        return self._arn(logical_id) if attribute.endswith("Arn") else ANYTHING

    def _import(self, name: Any) -> str:
        if json.dumps(name) not in self._exports:
            return ANYTHING
        template, exported = self._exports[json.dumps(name)]
        return _Names(template, self._exports).text(exported)

    def _join(self, given: Any) -> str:
        between, parts = given
        return str(between).join(map(self.text, parts)) if isinstance(parts, list) else ANYTHING

    def _sub(self, given: Any) -> str:
        if not isinstance(given, str):
            return ANYTHING
        return re.sub(r"\$\{([^}]+)\}", lambda name: (self._attribute if "." in name[1] else self._ref)(name[1]), given)

    def _kind(self, logical_id: str) -> str:
        return str(self._resources.get(logical_id, {}).get("Type"))

    def _arn(self, logical_id: str) -> str:
        kind = self._kind(logical_id)
        # A log group's ends with the sign for its streams. Source: CloudFormation's user guide, "AWS::Logs::LogGroup".
        return iam_reference.arn_of(kind) + (":*" if kind == "AWS::Logs::LogGroup" else "")
