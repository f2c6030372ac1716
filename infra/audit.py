"""The same app under cdk-nag's AwsSolutions rules: `cdk synth --app "python -m infra.audit"`.

Writes the same templates as the app, then prints every finding that no construct acknowledges, and exits with 1.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra import data, lab
from infra.constructs.findings import GENERATED
from infra.settings import SettingsError, read

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> None:
    """Put the lab's stacks together and let the rules look at every resource."""
    app = cdk.App()
    try:
        settings = read(app.node.get_all_context())
    except SettingsError as error:
        sys.exit(str(error))
    lab.compose(app, settings, data.folder(settings, os.environ))
    app.synth()
    found = unacknowledged(app)
    if found:
        sys.exit("\n".join(found))


def unacknowledged(app: cdk.App) -> list[str]:
    """The findings that neither their construct nor one around it acknowledges, a line each. The app is synthesised."""
    acknowledged = _acknowledged(Path(app.outdir))
    return [
        f"{violation.rule_name} at {resource.construct_path}: {violation.description}"
        for violation in AwsSolutionsChecks(app).validate_scope(app).violations
        for resource in violation.violating_resources
        if not any(
            re.fullmatch(pattern, violation.rule_name)
            for scope in _scopes(resource.construct_path)
            for pattern in acknowledged.get(scope, ())
        )
    ]


def _acknowledged(assembly: Path) -> dict[str, list[str]]:
    """Patterns of what each construct acknowledges, by its path: read from the assembly, for a class has many.

    What the CDK generates has no slash in it.
    """
    found: dict[str, list[str]] = {}
    for file in assembly.glob("*.metadata.json"):
        for path, entries in json.loads(file.read_text(encoding="utf-8")).items():
            rules = [
                rule
                for entry in entries
                if entry["type"] == cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY
                for rule in entry["data"]
            ]
            words = [rule.rpartition("Annotation::")[2] for rule in rules]
            found[path.strip("/")] = [re.escape(word).replace(re.escape(GENERATED), "[^/]*") for word in words]
    return found


def _scopes(path: str) -> Iterator[str]:
    """The construct's path and those of all around it."""
    while path:
        yield path
        path = path.rpartition("/")[0]


if __name__ == "__main__":
    main()
