"""What advisory services report about the locks, in the shapes that pip-audit 2.10 and npm write."""

from __future__ import annotations

from typing import Any

import pytest

from cli.security.advisories import of_npm, of_pip_audit
from cli.ui.errors import LabError

PIP: dict[str, Any] = {
    "dependencies": [
        {"name": "awswrangler", "version": "3.17.1", "vulns": []},
        {
            "name": "pillow",
            "version": "13.0.0",
            "vulns": [
                {"id": "CVE-2026-1", "fix_versions": ["13.0.1"], "aliases": []},
                {"id": "CVE-2026-2", "fix_versions": [], "aliases": ["PYSEC-2026-2", "GHSA-2"]},
            ],
        },
    ],
    "fixes": [],
}
NPM: dict[str, Any] = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "uses": {"name": "uses", "via": ["holed"], "range": "*"},
        "holed": {
            "name": "holed",
            "via": [{"title": "Prototype pollution", "url": "https://github.com/advisories/GHSA-1", "range": "<2.0.0"}],
        },
    },
}


def test_a_hole_is_named_with_what_mends_it() -> None:
    """The advisory's id, GitHub's if it has one, the package, and the version without it."""
    assert list(of_pip_audit(PIP)) == [
        ("CVE-2026-1", "pillow 13.0.0; fixed by 13.0.1"),
        ("GHSA-2", "pillow 13.0.0; fixed by nothing yet"),
    ]
    assert list(of_npm(NPM)) == [("GHSA-1", "holed <2.0.0: Prototype pollution")]


def test_what_was_left_out_is_no_success() -> None:
    """A package that the service did not look at is told, not counted as one without holes."""
    with pytest.raises(LabError, match="left torch out: not found"):
        list(of_pip_audit({"dependencies": [{"name": "torch", "skip_reason": "not found"}]}))
