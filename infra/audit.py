"""The same app under cdk-nag's AwsSolutions rules: `cdk synth --app "python -m infra.audit"`.

Writes the same templates as the app, then prints every finding that no construct acknowledges, and exits with 1.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra import data, lab
from infra.constructs.findings import GENERATED
from infra.settings import SettingsError, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs import IConstruct


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
    constructs = {construct.node.path: construct for construct in app.node.find_all()}
    return [
        f"{violation.rule_name} at {resource.construct_path}: {violation.description}"
        for violation in AwsSolutionsChecks(app).validate_scope(app).violations
        for resource in violation.violating_resources
        if not any(
            re.fullmatch(pattern, violation.rule_name) for pattern in _acknowledged(constructs[resource.construct_path])
        )
    ]


def _acknowledged(construct: IConstruct) -> Iterator[str]:
    """Patterns of what is acknowledged here and around here. What the CDK generates has no slash in it."""
    for scope in construct.node.scopes:
        for entry in scope.node.metadata:
            if entry.type == cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY:
                for rule in entry.data:
                    words = rule.rpartition("Annotation::")[2]
                    yield re.escape(words).replace(re.escape(GENERATED), "[^/]*")


if __name__ == "__main__":
    main()
