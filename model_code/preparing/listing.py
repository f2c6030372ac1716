"""The photos below a place in S3, each in the folder of its class."""

from __future__ import annotations

import re
from difflib import get_close_matches

import awswrangler as wr

from bricks import LABELS
from preparing.listed import Listed

_GAP = re.compile(r"[\s_-]+")


def list_photos(folder: str) -> tuple[list[Listed], list[str]]:
    """Return every file in a class's folder, by path, but hidden ones; and the paths of those beside the folders.

    `folder` is an S3 address that ends with a slash.
    Raises ValueError, in one sentence, when there is no file, when all are in no folder, and for a folder of no class.
    """
    paths = sorted(path for uri in wr.s3.list_objects(folder) if _is_file(path := uri.removeprefix(folder)))
    if not paths:
        raise ValueError(f"There is no photo below {folder}; put one folder a class there, named like {_names()}.")
    strays = [path for path in paths if "/" not in path]
    photos = [path for path in paths if "/" in path]
    if not photos:
        raise ValueError(f"{folder}{strays[0]} is in no class's folder; put it into the folder of its class.")
    labels = {name: _label(name, folder) for name in dict.fromkeys(path.partition("/")[0] for path in photos)}
    listed = [Listed(uri=f"{folder}{path}", path=path, label=labels[path.partition("/")[0]]) for path in photos]
    return listed, strays


def _is_file(path: str) -> bool:
    """Leave out folders, which a console makes as empty objects, and hidden files, such as .DS_Store."""
    return not path.endswith("/") and not any(part.startswith(".") for part in path.split("/"))


def _label(name: str, folder: str) -> int:
    """Return the class that a folder is named for: "2x3 Brick", "2X3_brick", "2x3-brick", or "0"."""
    known = {_plain(label): number for number, label in enumerate(LABELS)}
    known |= {str(number): number for number in range(len(LABELS))}
    if _plain(name) not in known:
        near = get_close_matches(_plain(name), known, n=1)
        advice = f"did you mean {LABELS[known[near[0]]]!r}?" if near else f"there are {_names()}."
        raise ValueError(f"{folder}{name}/ is no class's folder; {advice}")
    return known[_plain(name)]


def _plain(name: str) -> str:
    return _GAP.sub(" ", name).strip().lower()


def _names() -> str:
    return f"{', '.join(LABELS)}, or 0 to {len(LABELS) - 1}"
