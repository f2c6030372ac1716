"""What a labeling job of the lab's reads from the bucket: what its people see, and the names of the bricks."""

from __future__ import annotations

from pathlib import Path

PREFIX = "labelling/"
TEMPLATE, CATEGORIES = f"{PREFIX}template.liquid.html", f"{PREFIX}categories.json"
_FOLDER = Path(__file__).resolve().parent.parent / "labelling"


def labelling_files() -> dict[str, Path]:
    """Return the files, by their keys in the bucket."""
    return {key: _FOLDER / key.removeprefix(PREFIX) for key in (TEMPLATE, CATEGORIES)}
