"""What is in a template, read as a document: the CDK's own assertions send all of it to its kernel at each question."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Template = dict[str, Any]


def in_folder(folder: Path) -> dict[str, Template]:
    """Return the templates of an app that is synthesised, by the name of their stack."""
    return {
        file.name.removesuffix(".template.json"): json.loads(file.read_text())
        for file in folder.glob("*.template.json")
    }


def of_kind(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of a type, by their logical ids."""
    found = template["Resources"].items()
    return {name: each.get("Properties", {}) for name, each in found if each["Type"] == kind}


def only(template: Template, kind: str) -> tuple[str, dict[str, Any]]:
    """Return the logical id and the properties of the one resource of a type."""
    [found] = of_kind(template, kind).items()
    return found


def actions(statement: dict[str, Any]) -> list[str]:
    """Return what a statement is about."""
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)
