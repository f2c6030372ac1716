"""Whether a page keeps to WCAG 2.2, levels A and AA, as far as a program can tell: axe-core, run in the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli import paths

if TYPE_CHECKING:
    from playwright.sync_api import Page

_AXE = paths.ROOT / "node_modules" / "axe-core" / "axe.min.js"
_OPTIONS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]},
    "rules": {"target-size": {"enabled": True}},  # axe leaves WCAG 2.2's out unless it is asked for them
    "resultTypes": ["violations"],
}


def violations(page: Page) -> list[str]:
    """Return a line for each element that breaks a rule: which rule, the element, and what is wrong.

    Evaluated by the browser's own protocol, axe needs no leave of the page's Content-Security-Policy.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", _OPTIONS)
    assert found["passes"], "axe has looked at nothing"
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {' '.join(node['failureSummary'].split())}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
