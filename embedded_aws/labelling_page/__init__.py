"""Where the parts of a labelling page lie: its look, its scripts and its HTML, for whoever serves one."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
ASSETS, TEMPLATES = _HERE / "assets", _HERE / "templates"
"""What browsers ask for, and parts of pages: without a tag, so that Jinja and Liquid both render them."""
