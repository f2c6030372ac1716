"""The templates of every profile in a folder, with what is found in them and what is acknowledged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cli.programs import installed, output
from cli.security import permissions
from cli.security.findings import Acknowledgment, Finding
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Audit:
    """Every profile's templates, written to a folder by `python -m infra.audit`. Raises LabError."""

    def __init__(self, folder: Path) -> None:
        output([sys.executable, "-m", "infra.audit", str(folder)])
        audit = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
        self.acknowledged = {Acknowledgment(**each) for each in audit["acknowledgments"]}
        self._nag = {Finding(**each) for each in audit["findings"]}
        self._paths = {(each["template"], each["logical_id"]): each["path"] for each in audit["resources"]}
        self._regions = {each["template"]: tuple(each["regions"]) for each in audit["templates"]}

    def nag(self) -> set[Finding]:
        """Return what cdk-nag finds by its AwsSolutions rules."""
        return self._nag

    def cfn_lint(self) -> set[Finding]:
        """Return what cfn-lint finds, as warnings and errors, in each region's own schemas of the resources."""
        found = set()
        for regions in set(self._regions.values()):
            templates = [template for template, those in self._regions.items() if those == regions]
            options = ["--non-zero-exit-code", "none", "--format", "json", "--regions", *regions]
            found |= {
                self._finding(
                    each["Rule"]["Id"],
                    each["Filename"],
                    [str(part) for part in each["Location"]["Path"]],
                    each["Message"],
                )
                for each in json.loads(output(["cfn-lint", *options, "--", *templates]))
            }
        return found

    def iam(self) -> set[Finding]:
        """Return what IAM would never grant, or never refuse, of the policies."""
        apps: dict[Path, list[Path]] = {}
        for template in map(Path, self._regions):
            apps.setdefault(template.parent, []).append(template)
        return {
            self._finding(each.rule, str(each.template), ["Resources", each.logical_id], each.message)
            for templates in apps.values()
            for each in permissions.problems(templates)
        }

    def checkov(self) -> set[Finding]:
        """Return what checkov finds; its own rules only, without a call to the vendor's platform."""
        quiet = ["--skip-download", "--quiet", "--compact", "--soft-fail", "--output", "json"]
        command = [*installed("checkov"), "--framework", "cloudformation", *quiet]
        report = json.loads(output([*command, *(word for template in self._regions for word in ("--file", template))]))
        if unread := report["summary"]["parsing_errors"]:
            raise LabError(f"checkov can't read {unread} of the templates that the CDK wrote.")
        return {
            self._finding(
                each["check_id"],
                each["file_abs_path"],
                ["Resources", each["resource"].rpartition(".")[2]],
                each["check_name"],
            )
            for each in report["results"]["failed_checks"]
        }

    def _finding(self, rule: str, template: str, place: Sequence[str], message: str) -> Finding:
        """Return a finding at its construct, or at the stack if it is in no resource, but in an output, say."""
        stack = template.rpartition("/")[2].removesuffix(".template.json")
        logical_id = place[1] if len(place) > 1 else ""
        return Finding(rule, self._paths.get((template, logical_id), stack), message)
