"""Pages that a command or a notebook serves on its own machine: who may see them, their server, and how they look."""

from __future__ import annotations

from pathlib import Path

from embedded_aws import labelling_page

_HERE = Path(__file__).parent
STATIC, TEMPLATES = _HERE / "static", _HERE / "templates"
"""The files of every page, and the template that each of them extends."""
SHARED = labelling_page.ASSETS
"""What the portal of the embedded AWS has as well: the look, and a labelling page's scripts."""
