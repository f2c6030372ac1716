"""`labelling.zip`: the page for a seat's notebook instance, with what it imports of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ARCHIVE = "labelling.zip"
_PACKED = (
    "embedded_aws/__init__.py",
    "embedded_aws/labelling_page",
    "labelling",
    "model_code/data.py",
    "pages",
    "teardown",
)
_LEFT_OUT = "__pycache__"


def files(root: Path) -> dict[str, Path]:
    """Return its files in the checkout `root`, by their names in the archive."""
    places = [root / each for each in _PACKED]
    found = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
    return {file.relative_to(root).as_posix(): file for file in found if file.is_file() and _LEFT_OUT not in file.parts}
