"""Findings of the checkers in the templates, and what the constructs acknowledge of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Stands in an acknowledged rule for what the CDK generates, which has no slash in it: infra/constructs/findings.py.
_GENERATED = "…"


@dataclass(frozen=True, order=True)
class Finding:
    """A rule that does not hold for a resource; `path` is its construct's."""

    rule: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.path}: {self.message}"


@dataclass(frozen=True, order=True)
class Acknowledgment:
    """A rule that need not hold for a construct and those within, and why."""

    rule: str
    path: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Return whether the finding is one of those that are accepted."""
        pattern = re.escape(self.rule).replace(re.escape(_GENERATED), "[^/]*")
        within = finding.path == self.path or finding.path.startswith(f"{self.path}/")
        return within and re.fullmatch(pattern, finding.rule) is not None


def uncovered(found: set[Finding], acknowledged: set[Acknowledgment]) -> list[Finding]:
    """Return the findings that nobody acknowledges."""
    return [finding for finding in found if not any(each.covers(finding) for each in acknowledged)]


def stale(acknowledged: set[Acknowledgment], found: set[Finding]) -> list[str]:
    """Return a line for each acknowledgment that nothing is found for."""
    return [
        f"{each.rule} at {each.path}: acknowledged, but nothing is found for it; take it out"
        for each in acknowledged
        if not any(each.covers(finding) for finding in found)
    ]
